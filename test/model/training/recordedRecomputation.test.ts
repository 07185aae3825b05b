import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { phaseA } from '../../../model/config/stfConfig.js';
import type { StepProfile } from '../../../model/engine/recording/stepRunner.js';
import { graphRecorder, startEngine } from '../../../model/engine/startEngine.js';
import { StfMamba } from '../../../model/stfMamba.js';
import { Trainer } from '../../../model/training/trainer.js';
import { seededUniform } from './seededUniform.js';
import { darkerPairs, smallestNetwork } from './smallestNetwork.js';

/* Gradient checkpoints inside a recorded step: TensorFlow must neither merge the second computation into the first nor
   do it early, or it would save no memory. */

const opened: { dispose(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0).reverse()) one.dispose();
});
beforeAll(async () => {
  await startEngine('auto');
});

/** The nodes that TensorFlow ran for a micro-batch. */
function executed(grad_checkpoint: boolean): StepProfile {
  const config = { ...phaseA(), ...smallestNetwork, grad_checkpoint };
  const model = new StfMamba(config, seededUniform(7));
  const trainer = new Trainer(model, config, { stepsPerEpoch: 4, totalSteps: 40 });
  opened.push(model, trainer);
  return trainer.profile(darkerPairs(1, 1), seededUniform(1))!;
}

/** `step/<place>/<type>_<number>`. */
const typeOf = ({ name }: StepProfile[number]) => /([A-Za-z0-9]+)_\d+$/.exec(name)?.[1] ?? '';
const segmentOf = ({ name }: StepProfile[number]) => name.split('/')[1]!;
const isGradient = ({ name }: StepProfile[number]) => name.split('/')[2] === 'gradient';
const begins = (nodes: StepProfile) => nodes.map(({ begin }) => begin).sort((a, b) => a - b);

const noRecorder = async () => {
  await startEngine('auto');
  return graphRecorder() === undefined;
};

describe.skipIf(await noRecorder())('gradient checkpoints in a recorded step', () => {
  it('compute again what they did not keep, each segment once the gradient has come to it', () => {
    const [plain, checkpointed] = [executed(false), executed(true)];
    const count = (nodes: StepProfile, type: string) => nodes.filter((node) => typeOf(node) === type).length;
    for (const type of ['StfGelu', 'StfLayerNorm', 'StfContour', 'MatMul'])
      expect(count(checkpointed, type), type).toBeGreaterThan(count(plain, type));

    // Every segment of the trunk normalises its rows before anything else, forward and again.
    const norms = checkpointed.filter((node) => typeOf(node) === 'StfLayerNorm' && !isGradient(node));
    const segments = [...new Set(norms.sort((a, b) => a.begin - b.begin).map(segmentOf))];
    expect(segments.length).toBeGreaterThan(4);
    let recomputedSegments = 0;
    for (const [i, segment] of segments.entries()) {
      const following = segments[i + 1];
      if (following === undefined) continue;
      const times = begins(norms.filter((node) => segmentOf(node) === segment));
      const again = times.slice(times.length / 2);
      const gradient = begins(checkpointed.filter((node) => isGradient(node) && segmentOf(node) === following));
      expect(gradient.length, following).toBeGreaterThan(0);
      expect(again[0], `${segment} is computed again after the gradient of ${following}`).toBeGreaterThanOrEqual(
        gradient[0]!,
      );
      recomputedSegments++;
    }
    expect(recomputedSegments).toBeGreaterThan(3);
  }, 120_000);
});
