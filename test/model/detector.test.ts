import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../model/checkpoint/checkpointFile.js';
import { float32, type HostTensor } from '../../model/checkpoint/hostTensor.js';
import { encodeSafetensors } from '../../model/checkpoint/safetensors.js';
import { debug, phaseA, toSections } from '../../model/config/stfConfig.js';
import { loadDetector } from '../../model/detector.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { StfMamba } from '../../model/stfMamba.js';
import { seededUniform } from './training/seededUniform.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const config = { ...debug(), use_contrastive_hll: true, use_hll_normalization: true };
const { num_frames: frames, img_size: size } = config;
const clip = Uint8Array.from({ length: frames * size * size * 3 }, (_, i) => (i * 31 + (i >> 7)) % 251);

let folder: string;
let checkpoint: string;
let weights: Map<string, HostTensor>;
let expected: { probability: number; hllEnergy: number; hllRatio: number };

beforeAll(async () => {
  await startEngine('auto');
  folder = mkdtempSync(join(tmpdir(), 'detector-'));
  const model = new StfMamba(config, seededUniform(3));
  weights = new Map([...model.parameters].map(([name, v]) => [name, float32(v.shape, v.dataSync<'float32'>())]));
  // Straight from the model, without any of the code under test.
  const [logits, hllEnergy, allBands] = tf.tidy(() => {
    const output = model.forward(tf.tensor5d(Array.from(clip), [1, frames, size, size, 3], 'int32'));
    return [output.logits, output.hllEnergy, output.allBandEnergy].map((tensor) => Array.from(tensor.dataSync()));
  });
  model.dispose();
  expected = {
    probability: 1 / (1 + Math.exp(logits![0]! - logits![1]!)),
    hllEnergy: hllEnergy![0]!,
    hllRatio: hllEnergy![0]! / Math.sqrt(allBands![0]!),
  };
  await writeCheckpoint(join(folder, 'best'), weights, { config, step: 3 });
  checkpoint = join(folder, 'best.safetensors');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file of weights alone, as other programs write it. */
function bare(name: string): string {
  const path = join(folder, `${name}.safetensors`);
  writeFileSync(path, encodeSafetensors(weights));
  return path;
}

async function expectScore(options: Parameters<typeof loadDetector>[0]) {
  const before = tf.memory().numTensors;
  const detector = await loadDetector(options);
  const score = detector.score(clip);
  for (const name of ['probability', 'hllEnergy', 'hllRatio'] as const) {
    expect(score[name]).toBeCloseTo(expected[name], 6);
  }
  const reversed = clip.slice().reverse();
  const batch = detector.scoreBatch(new Uint8Array([...reversed, ...clip]), 2);
  for (const [i, alone] of [detector.score(reversed), score].entries())
    for (const name of ['probability', 'hllEnergy', 'hllRatio'] as const)
      expect(batch[i]![name]).toBeCloseTo(alone[name], 5);
  detector.dispose();
  expect(tf.memory().numTensors).toBe(before);
}

describe('a detector', () => {
  it('scores as the model does, by the configuration that its checkpoint carries', async () => {
    await expectScore({ checkpoint });
  });

  it('scores with the moving averages of its weights where the checkpoint has such', async () => {
    const averaged = new Map([...weights].map(([name, tensor]) => [`ema.${name}`, tensor]));
    const last = [...weights].map(([name, { shape }]): [string, HostTensor] => [
      name,
      float32(shape, new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(0.01)),
    ]);
    await writeCheckpoint(join(folder, 'averaged'), new Map([...last, ...averaged]), { config });
    await expectScore({ checkpoint: join(folder, 'averaged.safetensors') });
  });

  it('takes a configuration for a file that carries none: YAML, sections, record, or JSON beside it', async () => {
    const file = bare('plain');
    await expectScore({ checkpoint: file, config: join(root, 'configs/v8_debug.yaml') });
    await expectScore({ checkpoint: file, config: toSections(config) });
    await expectScore({ checkpoint: file, config });
    writeFileSync(join(folder, 'plain.json'), JSON.stringify({ config: toSections(config) }));
    await expectScore({ checkpoint: file });
    writeFileSync(join(folder, 'plain.json'), JSON.stringify(config));
    await expectScore({ checkpoint: file });
  });

  it('says what is missing or does not fit', async () => {
    await expect(loadDetector({ checkpoint: join(folder, 'none.safetensors') })).rejects.toThrow(/no such file/);
    await expect(loadDetector({ checkpoint: bare('alone') })).rejects.toThrow(
      /alone\.safetensors carries no configuration and .*alone\.json cannot be read .*: give the `config`/,
    );
    await expect(loadDetector({ checkpoint, config: join(folder, 'none.yaml') })).rejects.toThrow(
      /^cannot read .*none\.yaml/,
    );
    await expect(loadDetector({ checkpoint, config: { ...phaseA(), ...config, stage4_dim: 64 } })).rejects.toThrow(
      /best\.safetensors does not fit the configuration: the checkpoint holds another network:\n {2}missing/,
    );
    await expect(loadDetector({ checkpoint, config: { stem: 1 } })).rejects.toThrow(/unknown section "stem"/);
  });

  it('says what a clip should be', async () => {
    const detector = await loadDetector({ checkpoint });
    expect(() => detector.score(clip.subarray(1))).toThrow(
      'Expected Uint8Array [1,4,64,64,3] of 49152 bytes for clips but received 49151 of type Uint8Array',
    );
    detector.dispose();
  });
});
