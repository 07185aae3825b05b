import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { unzipSync } from 'fflate';
import { parse } from 'npyjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../model/checkpoint/safetensors.js';
import { resolveConfig, type StfConfig } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { type LossName, lossParts, StfMamba } from '../../model/stfMamba.js';

/**
 * Our model against an independent PyTorch implementation: same weights, same clips, its float64 results as truth.
 *
 * PARITY_PEER: the peer's script, called as `export --phase P --config C --full --out DIR`
 * PARITY_PYTHON: a Python with torch, numpy and safetensors (default: python3)
 */
const peer = process.env.PARITY_PEER;
const python = process.env.PARITY_PYTHON ?? 'python3';

/** float32 against float64: rounding accumulated over the network's depth, largest where a gradient nearly cancels. */
const tolerance = { logits: 1e-5, energy: 1e-5, loss: 1e-5, gradient: 5e-4 };

type Expected = {
  config: Record<string, unknown>;
  float64: { loss: Record<string, number>; grad_norm: number; grad_l2: Record<string, number> };
};
const lossNames: Record<LossName, string> = {
  total: 'total',
  ce: 'ce',
  hll: 'hll',
  gap: 'gap',
  hllReal: 'hll_real',
  hllFake: 'hll_fake',
  hllDefined: 'hll_defined',
};

const folder = mkdtempSync(join(tmpdir(), 'stf-parity-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  console.log(await startEngine());
});

const readNpz = (path: string) =>
  new Map(
    Object.entries(unzipSync(readFileSync(path))).map(([name, bytes]) => [
      name.replace(/\.npy$/, ''),
      parse(bytes.slice().buffer as ArrayBuffer),
    ]),
  );
const numbers = (array: { data: ArrayBufferView }) => Array.from(array.data as Float64Array);
const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
/** Norm of the difference over the norm of the expected values. */
const relativeError = (got: readonly number[], want: readonly number[]) =>
  norm(got.map((v, i) => v - want[i])) / (norm(want) + 1e-12);

function peerConfig(preset: 'debug' | 'default', phase: 'a' | 'baseline', told: Expected['config']): StfConfig {
  const { config } = resolveConfig({ preset: preset === 'debug' ? 'debug' : phase });
  const frames = told.num_frames as number;
  const segments = told.num_segments as number;
  return {
    ...config,
    use_contrastive_hll: phase === 'a',
    use_hll_normalization: phase === 'a',
    num_frames: frames,
    num_segments: segments,
    frames_per_segment: frames / segments,
    img_size: told.img_size as number,
  };
}

describe.skipIf(!peer)('parity with PyTorch', () => {
  test.each([
    ['debug', 'a'],
    ['debug', 'baseline'],
    ['default', 'a'],
    ['default', 'baseline'],
  ] as const)('%s configuration, phase %s', (preset, phase) => {
    const out = join(folder, `${preset}-${phase}`);
    execFileSync(python, [peer!, 'export', '--phase', phase, '--config', preset, '--full', '--out', out]);
    const expected: Expected = JSON.parse(readFileSync(join(out, 'expected.json'), 'utf8'));
    const arrays = readNpz(join(out, 'expected.npz'));
    const input = readNpz(join(out, 'input.npz'));
    const { tensors } = decodeSafetensors(readFileSync(join(out, 'model.safetensors')));
    const config = peerConfig(preset, phase, expected.config);
    const model = new StfMamba(config, () => 0.5);

    expect([...model.parameters.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { data, shape }] of tensors) {
      const variable = model.parameters.get(name)!;
      expect(shape.filter((n) => n !== 1).join(), name).toBe(variable.shape.filter((n) => n !== 1).join());
      tf.tidy(() => variable.assign(tf.tensor(data as Float32Array, variable.shape)));
    }

    const clips = input.get('clips')!;
    const x = tf.tensor5d(
      Int32Array.from(clips.data as Uint8Array),
      clips.shape as [number, number, number, number, number],
      'int32',
    );
    const labels = tf.tensor1d(Int32Array.from(input.get('labels')!.data as Int32Array), 'int32');

    const output = model.forward(x);
    const errors: Record<string, number> = {
      logits: relativeError([...output.logits.dataSync()], numbers(arrays.get('float64.logits')!)),
      hllEnergy: relativeError([...output.hllEnergy.dataSync()], numbers(arrays.get('float64.hll_energy')!)),
      allBandEnergy: relativeError(
        [...output.allBandEnergy.dataSync()],
        numbers(arrays.get('float64.all_band_energy')!),
      ),
    };
    const { grads } = tf.variableGrads(() => lossParts(model.forward(x), labels, config).total);
    const parts = lossParts(output, labels, config);
    errors.loss = Math.max(
      ...Object.entries(lossNames).map(([ours, theirs]) =>
        Math.abs(parts[ours as LossName].dataSync()[0] - expected.float64.loss[theirs]),
      ),
    );
    const gradients = [...model.parameters].map(([name, { name: variable }]) => ({
      name,
      error: relativeError([...grads[variable].dataSync()], numbers(arrays.get(`grad.${name}`)!)),
    }));
    gradients.sort((a, b) => b.error - a.error);
    const total = norm([...model.parameters.values()].map(({ name }) => norm([...grads[name].dataSync()])));
    errors.gradientNorm = Math.abs(total / expected.float64.grad_norm - 1);
    console.log(preset, phase, errors, 'worst gradients', gradients.slice(0, 5));

    expect(errors.logits).toBeLessThan(tolerance.logits);
    expect(errors.hllEnergy).toBeLessThan(tolerance.energy);
    expect(errors.allBandEnergy).toBeLessThan(tolerance.energy);
    expect(errors.loss).toBeLessThan(tolerance.loss);
    expect(errors.gradientNorm).toBeLessThan(tolerance.gradient);
    for (const { name, error } of gradients) expect(error, name).toBeLessThan(tolerance.gradient);
    model.dispose();
  });
});
