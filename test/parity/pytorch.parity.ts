import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { unzipSync } from 'fflate';
import { parse } from 'npyjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../model/checkpoint/safetensors.js';
import { baseline, debug, type StfConfig } from '../../model/config/stfConfig.js';
import { startEngine } from '../../model/engine/startEngine.js';
import { type LossName, lossParts, StfMamba } from '../../model/stfMamba.js';
import { Trainer } from '../../model/training/trainer.js';

/**
 * Our model against an independent PyTorch implementation: same weights, same clips, its float64 results as truth.
 *
 * PARITY_PEER: the peer's script, driven by exportCase.py
 * PARITY_PYTHON: a Python with torch, numpy and safetensors (default: python3)
 */
const peer = process.env.PARITY_PEER;
const python = process.env.PARITY_PYTHON ?? 'python3';
const exportCase = fileURLToPath(new URL('exportCase.py', import.meta.url));

/** float32 against float64: rounding accumulated over the network's depth. */
const tolerance = { logits: 1e-5, energy: 1e-5, loss: 1e-5, gradient: 5e-4 };
/**
 * Where a gradient nearly cancels, such as one number of 3e-9, PyTorch's own float32 is 3e-4 away from its float64, by a
 * way that depends on the processor. Ours may be so many times as far.
 */
const ROUNDINGS = 4;
/**
 * Adam's first step moves a weight by lr times the sign of its gradient: right to a thousandth of lr and the spacing of
 * float32, unless rounding may turn the sign, which it can where a gradient is this small among those of its tensor.
 */
const update = { error: 1e-3, spacing: 2 ** -23, signIsSure: 0.02 };

/** The peer's record; fields that only one side knows stay out of the comparison. */
type PeerConfig = Pick<StfConfig, 'num_frames' | 'num_segments' | 'img_size' | 'hll_loss_mode'> &
  Record<(typeof flags)[number], boolean> & { lr: number };
type Expected = { config: PeerConfig; loss: Record<string, number>; grad_norm: number };
const flags = [
  'use_contrastive_hll',
  'use_hll_normalization',
  'use_hydra',
  'use_mamer',
  'use_wss',
  'use_adaptive_sdim',
] as const;
const lossNames: Record<Exclude<LossName, 'pair' | 'frame'>, string> = {
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

type Numbers = Float32Array | Float64Array;
const readNpz = (path: string) =>
  new Map(
    Object.entries(unzipSync(readFileSync(path))).map(([name, bytes]) => [
      name.replace(/\.npy$/, ''),
      parse(bytes.slice().buffer as ArrayBuffer),
    ]),
  );
const norm = (values: Numbers) => Math.sqrt((values as Float64Array).reduce((sum, v) => sum + v * v, 0));
/** Norm of the difference over the norm of the expected values. */
const relativeError = (got: Numbers, want: Numbers) =>
  norm((got as Float64Array).map((v, i) => v - want[i])) / (norm(want) + 1e-12);

function ourConfig(preset: 'debug' | 'default', told: PeerConfig): StfConfig {
  const { num_frames, num_segments, img_size, hll_loss_mode, lr } = told;
  return {
    ...(preset === 'debug' ? debug() : baseline()),
    ...Object.fromEntries(flags.map((flag) => [flag, told[flag]])),
    ...{ num_frames, num_segments, frames_per_segment: num_frames / num_segments, img_size, hll_loss_mode },
    amp_dtype: 'float32', // the peer's precision
    ...{ lr, warmup_epochs: 0, dropout: 0, drop_path: 0 },
  };
}

/** Share of a tensor's weights that moved otherwise than expected beyond what rounding explains, and where it was sure. */
function updateErrors(moved: Numbers, want: Numbers, gradient: Numbers, start: Numbers, lr: number) {
  const sure = (update.signIsSure * norm(gradient)) / Math.sqrt(gradient.length);
  let [wrong, turned] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    const allowed = update.error + (update.spacing * Math.abs(start[i])) / lr;
    if (Math.abs(moved[i] - want[i]) <= allowed) continue;
    if (Math.abs(gradient[i]) > sure) wrong++;
    else turned++;
  }
  return { wrong, turned: turned / want.length };
}

describe.skipIf(!peer)('parity with PyTorch', () => {
  test.each<['debug' | 'default', 'baseline' | 'a' | 'b', Record<string, unknown>]>([
    ['debug', 'baseline', {}],
    ['debug', 'a', {}],
    ['debug', 'b', {}],
    ['debug', 'b', { num_frames: 8, num_segments: 2 }],
    ['debug', 'b', { use_mamer: false, use_adaptive_sdim: false }],
    ['debug', 'b', { use_wss: false, hll_loss_mode: 'paired' }],
    ['debug', 'b', { use_hll_normalization: false }],
    ['debug', 'a', { use_wss: true, hll_loss_mode: 'paired', use_hll_normalization: false }],
    ['default', 'baseline', {}],
    ['default', 'a', {}],
    ['default', 'b', {}],
    ['default', 'b', { num_frames: 32, num_segments: 4 }],
  ])('%s dimensions, phase %s, %o', (preset, phase, overrides) => {
    const out = mkdtempSync(join(folder, 'case-'));
    rmSync(out, { recursive: true });
    execFileSync(python, [exportCase, peer!, preset, phase, JSON.stringify(overrides), out]);
    const expected: Expected = JSON.parse(readFileSync(join(out, 'expected.json'), 'utf8'));
    const arrays = readNpz(join(out, 'expected.npz'));
    const want = (name: string) => arrays.get(name)!.data as Numbers;
    const input = readNpz(join(out, 'input.npz'));
    const { tensors } = decodeSafetensors(readFileSync(join(out, 'model.safetensors')));
    const config = ourConfig(preset, expected.config);
    const model = new StfMamba(config, () => 0.5);

    expect([...model.parameters.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { data, shape }] of tensors) {
      const variable = model.parameters.get(name)!;
      expect(shape.filter((n) => n !== 1).join(), name).toBe(variable.shape.filter((n) => n !== 1).join());
      tf.tidy(() => variable.assign(tf.tensor(data as Float32Array, variable.shape)));
    }
    const clips = input.get('clips')!;
    const batch = { clips: clips.data as Uint8Array, labels: Int32Array.from(input.get('labels')!.data as Int32Array) };
    const shape = clips.shape as [number, number, number, number, number];
    const x = tf.tensor5d(Int32Array.from(batch.clips), shape, 'int32');

    const output = model.forward(x);
    const errors: Record<string, number> = {
      logits: relativeError(output.logits.dataSync<'float32'>(), want('logits')),
      hllEnergy: relativeError(output.hllEnergy.dataSync<'float32'>(), want('hll_energy')),
      allBandEnergy: relativeError(output.allBandEnergy.dataSync<'float32'>(), want('all_band_energy')),
    };
    const labels = tf.tensor1d(batch.labels, 'int32');
    const { grads } = tf.variableGrads(() => lossParts(model.forward(x), labels, config).total);
    const parts = lossParts(output, labels, config);
    errors.loss = Math.max(
      ...Object.entries(lossNames).map(([ours, theirs]) =>
        Math.abs(parts[ours as LossName].dataSync()[0] - expected.loss[theirs]),
      ),
    );
    const gradients = [...model.parameters].map(([name, { name: variable }]) => ({
      name,
      error: relativeError(grads[variable].dataSync<'float32'>(), want(`grad.${name}`)),
      allowed: Math.max(tolerance.gradient, ROUNDINGS * want(`rounding.${name}`)[0]),
    }));
    gradients.sort((a, b) => b.error - a.error);
    tf.dispose(grads);

    const trainer = new Trainer(model, config, { stepsPerEpoch: 1, totalSteps: 10 });
    trainer.accumulate(batch, () => 0.5);
    const { gradNorm, lr } = trainer.apply(0);
    trainer.pullWeights();
    errors.gradientNorm = Math.abs(gradNorm / expected.grad_norm - 1);
    const steps = [...model.parameters].map(([name, variable]) => {
      const start = tensors.get(name)!.data as Float32Array;
      const moved = variable.dataSync<'float32'>().map((v, i) => (v - start[i]) / lr);
      return { name, ...updateErrors(moved, want(`update.${name}`), want(`grad.${name}`), start, lr) };
    });
    steps.sort((a, b) => b.wrong - a.wrong || b.turned - a.turned);
    console.log(preset, phase, overrides, errors, gradients.slice(0, 4), steps.slice(0, 3));

    expect(lr).toBe(expected.config.lr);
    expect(errors.logits).toBeLessThan(tolerance.logits);
    expect(errors.hllEnergy).toBeLessThan(tolerance.energy);
    expect(errors.allBandEnergy).toBeLessThan(tolerance.energy);
    expect(errors.loss).toBeLessThan(tolerance.loss);
    expect(errors.gradientNorm).toBeLessThan(tolerance.gradient);
    for (const { name, error, allowed } of gradients) expect(error, name).toBeLessThan(allowed);
    for (const { name, wrong } of steps) expect(wrong, name).toBe(0);
    trainer.dispose();
    model.dispose();
    tf.dispose([output.logits, output.hllEnergy, output.allBandEnergy, x, labels, ...Object.values(parts)]);
  });
});
