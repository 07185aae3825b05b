import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import type { ClipGrid } from '../../../model/layers/clipGrid.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { bandAmplitude, energyPerSample, flickerRatio } from '../../../model/wavelet/bandEnergy.js';
import { flickerBands, waveletTransform } from '../../../model/wavelet/waveletTransform.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

const reference = JSON.parse(readFileSync(new URL('../../fixtures/model/wavelet_db2.json', import.meta.url), 'utf8'));
const constants = new ConstantCache();
beforeAll(async () => {
  await startEngine();
});
afterAll(() => constants.dispose());

const grid: ClipGrid = { batch: 2, frames: 8, height: 4, width: 6, segments: 2 };
const channels = 3;
const rows = 2 * 8 * 4 * 6;
const clip = (f: (b: number, t: number, h: number, w: number, c: number) => number) =>
  tf.tidy(() => {
    const values = new Float32Array(rows * channels);
    let i = 0;
    for (let b = 0; b < 2; b++)
      for (let t = 0; t < 8; t++)
        for (let h = 0; h < 4; h++)
          for (let w = 0; w < 6; w++) for (let c = 0; c < channels; c++) values[i++] = f(b, t, h, w, c);
    return tf.tensor2d(values, [rows, channels]);
  });
const noise = () => tf.tensor2d(seededValues(rows * channels, 1), [rows, channels]);
const largest = (x: tf.Tensor) => tf.max(tf.abs(x)).dataSync()[0];
const squares = (x: tf.Tensor) => tf.sum(tf.square(x)).dataSync()[0];
/** The octant of three letters, time height width. */
const octant = (x: tf.Tensor5D, band: string) => {
  const [batch, frames, height, width] = x.shape;
  const begin = [...band].map((letter, axis) => (letter === 'H' ? [frames, height, width][axis] / 2 : 0));
  return tf.slice(x, [0, ...begin, 0] as [number, number, number, number, number], [
    batch,
    frames / 2,
    height / 2,
    width / 2,
    -1,
  ]);
};

describe('waveletTransform', () => {
  test('periodic, equals PyWavelets in three dimensions', () => {
    const volume = tf.tensor2d(reference.volume, [4 * 6 * 8, 1]);
    const cube = { batch: 1, frames: 4, height: 6, width: 8, segments: 1 };
    const x = waveletTransform(volume, cube, 'periodization', constants);
    for (const [key, { values }] of Object.entries<{ values: number[] }>(reference.bands)) {
      const band = [...key].map((letter) => (letter === 'a' ? 'L' : 'H')).join('');
      expect(largestDifference(numbersOf(octant(x, band)), values), band).toBeLessThan(2e-6);
    }
  });

  test('periodic, keeps the energy', () => {
    const x = noise();
    const energy = squares(x);
    expect(Math.abs(squares(waveletTransform(x, grid, 'periodization', constants)) / energy - 1)).toBeLessThan(1e-5);
  });

  test('a still clip has no temporal high-pass, a flat one no spatial', () => {
    const still = waveletTransform(
      clip((b, _, h, w, c) => Math.sin(b + 3 * h + 5 * w + 7 * c)),
      grid,
      'reflect',
      constants,
    );
    for (const band of ['HLL', 'HLH', 'HHL', 'HHH']) expect(largest(octant(still, band)), band).toBeLessThan(1e-6);
    const flat = waveletTransform(
      clip((b, t, _h, _w, c) => Math.sin(b + 3 * t + c)),
      grid,
      'reflect',
      constants,
    );
    for (const band of ['LHL', 'LLH', 'LHH', 'HHL', 'HLH', 'HHH']) {
      expect(largest(octant(flat, band)), band).toBeLessThan(1e-6);
    }
    expect(largest(octant(flat, 'HLL'))).toBeGreaterThan(0.1);
  });

  test('all ones fill the LLL band with 2^1.5', () => {
    const x = waveletTransform(
      clip(() => 1),
      grid,
      'reflect',
      constants,
    );
    const want = Array((rows * channels) / 8).fill(2 ** 1.5);
    expect(largestDifference(numbersOf(octant(x, 'LLL')), want)).toBeLessThan(1e-5);
  });

  test('coefficients of one segment do not see the other', () => {
    const first = waveletTransform(
      clip((...at) => Math.sin(at.reduce((s, v, i) => s + v * (i + 1), 0))),
      grid,
      'reflect',
      constants,
    );
    const second = waveletTransform(
      clip((...at) => (at[1] >= 4 ? 100 : Math.sin(at.reduce((s, v, i) => s + v * (i + 1), 0)))),
      grid,
      'reflect',
      constants,
    );
    // Segment 1 owns the first two of the four low and of the four high coefficient frames.
    for (const start of [0, 4]) {
      const part = (x: tf.Tensor5D) => numbersOf(tf.slice(x, [0, start, 0, 0, 0], [-1, 2, -1, -1, -1]));
      expect(part(second)).toEqual(part(first));
    }
  });

  test('flickerBands are the octants with a temporal H', () => {
    const x = waveletTransform(noise(), grid, 'reflect', constants);
    const bands = flickerBands(x);
    for (const [name, band] of Object.entries(bands)) {
      expect(band.shape).toEqual([2 * 4, 2, 3, channels]);
      expect(numbersOf(band), name).toEqual(numbersOf(octant(x, name.toUpperCase())));
    }
  });

  test('the gradient through transform and bands is that of finite differences', () => {
    const small = { batch: 1, frames: 4, height: 4, width: 4, segments: 1 };
    const f = (x: tf.Tensor) => {
      const transform = waveletTransform(x, small, 'reflect', constants);
      const { hll, hlh, hhl, hhh } = flickerBands(transform);
      return tf.concat([
        bandAmplitude(hll, 1),
        energyPerSample(transform, 1, 8),
        tf.sum(tf.concat([hlh, hhl, hhh])).reshape([1]),
      ]);
    };
    const x = tf.tensor2d(seededValues(64, 3), [64, 1]);
    expect(gradientErrors(f, [x], tf.tensor1d([1, 0.2, 0.3]))[0]).toBeLessThan(2e-3);
  });
});

describe('band energies', () => {
  test('are the sums of their definition', () => {
    const x = waveletTransform(noise(), grid, 'reflect', constants);
    const names = ['LLL', 'LLH', 'LHL', 'LHH', 'HLL', 'HLH', 'HHL', 'HHH'];
    const meanSquare = (name: string, sample: number) =>
      tf.mean(tf.square(tf.slice(octant(x, name), [sample, 0, 0, 0, 0], [1, -1, -1, -1, -1]))).dataSync()[0];
    for (const sample of [0, 1]) {
      const all = names.reduce((sum, name) => sum + meanSquare(name, sample), 0);
      expect(energyPerSample(x, 2, x.size / 2 / 8).dataSync()[sample]).toBeCloseTo(all, 5);
      const amplitude = bandAmplitude(flickerBands(x).hll, 2).dataSync()[sample];
      expect(amplitude).toBeCloseTo(Math.sqrt(meanSquare('HLL', sample)), 6);
    }
  });

  test('the ratio does not know the scale of the features and is 1/√8 for white noise', () => {
    const size = { batch: 1, frames: 16, height: 16, width: 16, segments: 1 };
    const uniform = tf.tensor2d(seededValues(16 ** 3 * 8, 4), [16 ** 3, 8]);
    const ratio = (x: tf.Tensor) => {
      const transform = waveletTransform(x, size, 'periodization', constants);
      const hll = bandAmplitude(flickerBands(transform).hll, 1);
      return flickerRatio(hll, energyPerSample(transform, 1, transform.size / 8)).dataSync()[0];
    };
    expect(ratio(uniform)).toBeCloseTo(8 ** -0.5, 2);
    expect(Math.abs(ratio(tf.mul(uniform, 37)) - ratio(uniform))).toBeLessThan(5e-6);
  });

  test('a band without energy has a finite gradient', () => {
    const gradient = tf.grad((x) => tf.sum(bandAmplitude(x, 2)))(tf.zeros([2, 5]));
    expect(numbersOf(gradient)).toEqual(Array(10).fill(0));
  });
});
