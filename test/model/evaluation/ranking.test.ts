import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decisionsAt } from '../../../model/evaluation/decisions.js';
import { averagePrecision, equalErrorRate, rocAuc } from '../../../model/evaluation/ranking.js';

type Case = Record<'auc' | 'ap' | 'eer' | 'accuracy' | 'precision' | 'recall' | 'f1', number> & {
  labels: number[];
  scores: number[];
};
const { cases } = JSON.parse(readFileSync(new URL('../../fixtures/model/ranking.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

describe('measures of ranking', () => {
  it('gives the known values of a small example', () => {
    const [labels, scores] = [
      [0, 0, 1, 1],
      [0.1, 0.4, 0.35, 0.8],
    ];
    expect(rocAuc(labels, scores)).toBe(0.75);
    expect(averagePrecision(labels, scores)).toBeCloseTo(5 / 6, 12);
    expect(equalErrorRate(labels, scores)).toBe(0.5);
  });

  it('is at chance when all scores are equal', () => {
    const [labels, scores] = [
      [1, 0, 0, 1, 0],
      [0.3, 0.3, 0.3, 0.3, 0.3],
    ];
    expect(rocAuc(labels, scores)).toBe(0.5);
    expect(equalErrorRate(labels, scores)).toBe(0.5);
    expect(averagePrecision(labels, scores)).toBeCloseTo(0.4, 12);
  });

  it.each(cases.map((entry, i) => [i, entry] as const))('agrees with scikit-learn (%i)', (_, entry) => {
    const { labels, scores } = entry;
    expect(rocAuc(labels, scores)).toBeCloseTo(entry.auc, 10);
    expect(averagePrecision(labels, scores)).toBeCloseTo(entry.ap, 10);
    expect(equalErrorRate(labels, scores)).toBeCloseTo(entry.eer, 10);
    const decisions = decisionsAt(labels, scores);
    for (const name of ['accuracy', 'precision', 'recall', 'f1'] as const) {
      expect(decisions[name]).toBeCloseTo(entry[name], 10);
    }
  });

  it('counts pairs: AUC is the share of rightly ordered ones, a tie counting half', () => {
    const sample = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 6 })), { minLength: 2 });
    fc.assert(
      fc.property(sample, (pairs) => {
        const labels = pairs.map(([label]) => label);
        const scores = pairs.map(([, score]) => score / 6);
        const fakes = pairs.filter(([label]) => label === 1);
        const reals = pairs.filter(([label]) => label === 0);
        const wins = fakes.flatMap(([, f]) => reals.map(([, r]) => (f > r ? 1 : f === r ? 0.5 : 0)));
        const expected = wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
        if (wins.length === 0) expect(rocAuc(labels, scores)).toBeNaN();
        else expect(rocAuc(labels, scores)).toBeCloseTo(expected, 10);
      }),
    );
  });

  it('has no value for a single class, and says what cannot be ranked', () => {
    expect([rocAuc, averagePrecision, equalErrorRate].map((measure) => measure([1, 1], [0.1, 0.2]))).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
    expect(() => rocAuc([0, 1], [0.1, Number.NaN])).toThrow('expected finite scores, received NaN at 1');
    expect(() => rocAuc([0, 2], [0.1, 0.2])).toThrow('expected labels 0 and 1, received 2 at 1');
    expect(() => rocAuc([0, 1], [0.1])).toThrow('expected as many scores as labels, received 1 and 2');
  });
});

describe('decisions at a threshold', () => {
  it('reproduces a published table: 140 real and 560 fake, 63 and 127 of them called rightly', () => {
    const labels = Array.from({ length: 700 }, (_, i) => (i < 140 ? 0 : 1));
    const scores = labels.map((label, i) => (label === 0 ? (i < 127 ? 0.1 : 0.9) : i < 140 + 63 ? 0.5 : 0.4));
    const { accuracy, precision, recall, f1, ...counts } = decisionsAt(labels, scores);
    expect(counts).toEqual({ truePositives: 63, falsePositives: 13, trueNegatives: 127, falseNegatives: 497 });
    const percent = [accuracy, precision, recall, f1].map((rate) => (rate * 100).toFixed(2));
    expect(percent).toEqual(['27.14', '82.89', '11.25', '19.81']);
  });

  it('reproduces a published validation table: 70 and 70, two reals called fake', () => {
    const labels = Array.from({ length: 140 }, (_, i) => (i < 70 ? 0 : 1));
    const called = labels.map((label, i) => (i < 2 ? 1 : label));
    const { accuracy, precision, recall, f1 } = decisionsAt(labels, called);
    const percent = [accuracy, precision, recall, f1].map((rate) => (rate * 100).toFixed(2));
    expect(percent).toEqual(['98.57', '97.22', '100.00', '98.59']);
    // The table's "AUC" is that of the hard decisions, their balanced accuracy, and says nothing about ranking.
    expect((100 * rocAuc(labels, called)).toFixed(2)).toBe('98.57');
  });

  it('does not divide by nothing', () => {
    expect(decisionsAt([0, 0], [0.1, 0.2])).toMatchObject({ accuracy: 1, precision: 0, recall: 0, f1: 0 });
  });
});
