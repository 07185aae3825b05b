import { describe, expect, it } from 'vitest';
import { decisionAdvice, indecision } from '../../../model/evaluation/decisionAdvice.js';

describe('decisionAdvice', () => {
  it.each([
    [0.5, [0, 0.55], /train the baseline first/],
    [0.55, [0.55, 0.6], /mistake in the augmentation/],
    [0.65, [0.6, 0.7], /more epochs of Phase A/],
    [0.7, [0.7, 0.75], /between the two marks/],
    [0.8, [0.75, 0.85], /go on to Phase B/],
    [0.85, [0.85, 1], /Phase A alone may be enough/],
    [1, [0.85, 1], /Phase A alone may be enough/],
  ])('for an AUC of %f names the band %j', (auc, band, advice) => {
    expect(decisionAdvice(auc, { low: auc, high: auc }, 'a')).toEqual({
      band,
      advice: expect.stringMatching(advice),
      alsoPossible: [],
    });
  });

  it('names every band that the interval reaches', () => {
    const { alsoPossible } = decisionAdvice(0.72, { low: 0.58, high: 0.78 }, 'a');
    expect(alsoPossible).toEqual([
      expect.stringMatching(/mistake/),
      expect.stringMatching(/more epochs/),
      expect.stringMatching(/go on/),
    ]);
  });

  it('says when the data do not decide', () => {
    expect(indecision(decisionAdvice(0.8, { low: 0.76, high: 0.84 }, 'a'))).toBeUndefined();
    expect(indecision(decisionAdvice(0.8, { low: 0.76, high: 0.9 }, 'a'))).toMatch(/between this and: Phase A alone/);
    expect(indecision(decisionAdvice(0.6, { low: 0, high: 1 }, 'a'))).toMatch(
      /5 other bands, from “no improvement.*” to “Phase A alone.*”: the data decide nothing/,
    );
  });

  it('has but a target for Phase B', () => {
    expect(decisionAdvice(0.84, null, 'b').advice).toMatch(/^below the plan's target/);
    expect(decisionAdvice(0.86, null, 'b').advice).toMatch(/^at or above/);
  });
});
