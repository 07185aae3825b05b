import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { crossErrors } from '../../../model/config/crossChecks.js';
import { debug, phaseA, phaseB, type StfConfig } from '../../../model/config/stfConfig.js';
import { graphRecorder, startEngine } from '../../../model/engine/startEngine.js';
import { StfMamba } from '../../../model/stfMamba.js';
import { type MicroResult, Trainer } from '../../../model/training/trainer.js';
import { seededUniform } from './seededUniform.js';
import { darkerPairs, smallestNetwork } from './smallestNetwork.js';

/* One step of every network that the flags can build, and of what the phases leave off, recorded and eager. */

const opened: { dispose(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0).reverse()) one.dispose();
});
beforeAll(async () => {
  await startEngine('auto');
});

function step(config: StfConfig, mode: 'recorded' | 'eager') {
  const model = new StfMamba(config, seededUniform(7));
  const notes: string[] = [];
  const trainer = new Trainer(
    model,
    { ...config, engine: { ...config.engine, step: mode } },
    { stepsPerEpoch: 4, totalSteps: 40 },
    { say: (note) => notes.push(note) },
  );
  opened.push(model, trainer);
  const losses = trainer.accumulate(darkerPairs(1, 2), seededUniform(3));
  const { gradNorm } = trainer.apply(0);
  return { losses, gradNorm, notes, mode: trainer.stepMode, moments: trainer.exportState().get('optim.m')! };
}

const flags = ['use_hydra', 'use_mamer', 'use_wss', 'use_adaptive_sdim'] as const;
const networks = Array.from(
  { length: 2 ** flags.length },
  (_, bits): StfConfig => ({
    ...debug(),
    use_contrastive_hll: true,
    ...Object.fromEntries(flags.map((flag, i) => [flag, ((bits >> i) & 1) === 1])),
  }),
).filter((config) => crossErrors(config).length === 0);
const nameOf = (config: StfConfig) => flags.filter((flag) => config[flag]).join(' ') || 'V7.3';

const noRecorder = async () => {
  await startEngine('auto');
  return graphRecorder() === undefined;
};

describe.skipIf(await noRecorder())('a recorded step does what an eager one does', () => {
  it('in all networks that flags can build, of which there are ten', () => {
    expect(networks.map(nameOf)).toHaveLength(10);
  });

  it.each<[string, StfConfig]>([
    ...networks.map((config): [string, StfConfig] => [nameOf(config), config]),
    ['losses of pairs and of frames', { ...phaseA(), pair_loss_weight: 0.5, frame_loss_weight: 0.5 }],
    ['two segments of a clip', { ...phaseB(), num_segments: 2, frames_per_segment: 2 }],
    ['a ConvNeXt V2 trunk', { ...phaseA(), spatial_backbone: 'convnextv2', backbone_weights: 'none' }],
  ])(
    '%s',
    (name, config) => {
      const { num_segments, frames_per_segment } = smallestNetwork;
      const segments = name.includes('segments') ? config : { num_segments, frames_per_segment };
      const small: StfConfig = {
        ...{ ...config, ...smallestNetwork, num_heads: 2 },
        ...{ num_segments: segments.num_segments, frames_per_segment: segments.frames_per_segment },
      };
      const [recorded, eager] = [step(small, 'recorded'), step(small, 'eager')];
      expect(recorded.notes).toEqual([]);
      expect([recorded.mode, eager.mode]).toEqual(['recorded', 'eager']);
      for (const [part, value] of Object.entries(eager.losses))
        expect(recorded.losses[part as keyof MicroResult], part).toBeCloseTo(value, 5);
      for (const part of ['pair', 'frame'] as const)
        if (config[`${part}_loss_weight`] > 0) expect(recorded.losses[part]).toBeGreaterThan(0);
      expect(recorded.gradNorm / eager.gradNorm).toBeCloseTo(1, 5);
      const [got, expected] = [recorded, eager].map(({ moments }) => moments.data as Float32Array);
      const largest = expected!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const apart = expected!.reduce((most, value, i) => Math.max(most, Math.abs(value - got![i]!)), 0);
      expect(largest).toBeGreaterThan(0);
      expect(apart / largest).toBeLessThan(1e-4);
    },
    120_000,
  );
});
