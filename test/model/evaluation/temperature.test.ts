import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calibrated,
  calibrationOf,
  fitTemperature,
  logitOf,
  TEMPERATURE_BOUNDS,
  tellsApart,
} from '../../../model/evaluation/temperature.js';

type Case = {
  labels: number[];
  probabilities: number[];
  temperature: number;
  nll: number;
  nll_uncalibrated: number;
};
const fixture = new URL('../../fixtures/model/temperature.json', import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(fixture, 'utf8'));
const sigma = (x: number) => 1 / (1 + Math.exp(-x));

describe('fitTemperature', () => {
  it.each(cases.map((one, i) => [i, one] as const))('agrees with SciPy, case %i', (_, expected) => {
    const { temperature, nll, nllUncalibrated } = fitTemperature(expected.labels, expected.probabilities);
    expect(temperature / expected.temperature).toBeCloseTo(1, 6);
    expect(nll).toBeCloseTo(expected.nll, 8);
    expect(nllUncalibrated).toBeCloseTo(expected.nll_uncalibrated, 12);
  });

  it('has a closed form where all scores are equally sure', () => {
    // n of each class, k of them right: σ(a/T) = ((n−k)(1−t) + kt)/n with Platt's target t.
    const [n, k, a] = [50, 40, 2.5];
    const target = (n + 1) / (n + 2);
    const labels = Array.from({ length: 2 * n }, (_, i) => i % 2);
    const probabilities = labels.map((label, i) => sigma(i >> 1 < k === (label === 1) ? a : -a));
    const share = ((n - k) * (1 - target) + k * target) / n;
    expect(fitTemperature(labels, probabilities).temperature).toBeCloseTo(a / Math.log(share / (1 - share)), 9);
  });

  it('does not become certain of what few pairs say, nor of what says nothing', () => {
    const apart = fitTemperature([0, 1, 0, 1], [0.4, 0.6, 0.4, 0.6]);
    expect(calibrated(0.6, apart.temperature)).toBeCloseTo(3 / 4, 9); // Platt: (2+1)/(2+2)
    expect(fitTemperature([0, 1, 0, 1], [1, 0, 1, 0]).temperature).toBeCloseTo(TEMPERATURE_BOUNDS.most, 6);
    expect(fitTemperature([0, 1], [0.5, 0.5])).toMatchObject({ temperature: 1, nll: Math.LN2 });
  });

  it('takes scores of exactly 0 and 1, which float32 gives, and refuses what is no probability', () => {
    const { temperature, nll } = fitTemperature([0, 1, 0, 1, 1], [0, 1, 0, 1, 0]);
    expect([temperature, nll].every(Number.isFinite)).toBe(true);
    expect(Number.isFinite(logitOf(1)) && logitOf(1) === -logitOf(0)).toBe(true);
    expect(() => fitTemperature([0, 1], [0.2, Number.NaN])).toThrow(RangeError);
    expect(() => fitTemperature([], [])).toThrow(RangeError);
  });
});

describe('calibrated', () => {
  it('is the same probability at temperature 1, and keeps the order at every other', () => {
    const inside = fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true });
    fc.assert(
      fc.property(inside, inside, fc.double({ min: 0.1, max: 10, noNaN: true }), (a, b, temperature) => {
        expect(calibrated(a, 1)).toBeCloseTo(a, 9);
        if (a < b) expect(calibrated(a, temperature)).toBeLessThanOrEqual(calibrated(b, temperature));
        expect(calibrated(a, temperature) + calibrated(1 - a, temperature)).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('tellsApart', () => {
  it('asks for more than a coin would give one time in twenty', () => {
    // 2·N·(ln 2 − nll) against 3.841, N = 128 scores: 0.015 nats.
    expect(tellsApart({ pairs: 64, nll: Math.LN2 - 0.0151 })).toBe(true);
    expect(tellsApart({ pairs: 64, nll: Math.LN2 - 0.0149 })).toBe(false);
  });
});

describe('calibrationOf', () => {
  const calibration = { temperature: 1.5, pairs: 8, nll: 0.6, nll_uncalibrated: 0.7, auc: 0.8, step: 3 };
  it('reads what training writes, and nothing else', () => {
    const { nll_uncalibrated: nllUncalibrated, ...same } = calibration;
    expect(calibrationOf({ calibration })).toEqual({ ...same, nllUncalibrated });
    const broken = [null, {}, { calibration: 1 }, { calibration: { ...calibration, temperature: 0 } }];
    for (const state of [...broken, { calibration: { ...calibration, nll: null } }, { calibration: null }])
      expect(calibrationOf(state as never)).toBeNull();
  });
});
