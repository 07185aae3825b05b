import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { crossEntropy, frameCrossEntropy } from '../../../model/losses/crossEntropy.js';
import { lossParts } from '../../../model/losses/lossParts.js';
import { pairRankingLoss } from '../../../model/losses/pairRankingLoss.js';
import { gradientErrors, largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';

beforeAll(async () => {
  await startEngine();
});

const ints = (values: number[]) => tf.tensor1d(values, 'int32');
const scalar = (x: tf.Tensor) => x.dataSync()[0];
const smoothed = (gap: number) => scalar(crossEntropy(tf.tensor2d([0, gap], [1, 2]), ints([1]), 0.1));

describe('cross-entropy with smoothing 0.1', () => {
  test('is smallest, 0.198515, at a logit gap of 2.944', () => {
    const best = Math.log(0.95 / 0.05);
    expect(best).toBeCloseTo(2.944, 3);
    expect(smoothed(best)).toBeCloseTo(0.198515, 5);
    for (const off of [-0.5, 0.5]) expect(smoothed(best + off)).toBeGreaterThan(smoothed(best));
  });

  test('is ln 2 without an opinion and 1 at a gap of 20', () => {
    expect(smoothed(0)).toBeCloseTo(Math.LN2, 6);
    expect(smoothed(20)).toBeCloseTo(1, 5);
  });

  test('stays finite for extreme logits', () => {
    expect(scalar(crossEntropy(tf.tensor2d([-1000, 1000], [1, 2]), ints([0]), 0.1))).toBeCloseTo(1900, 1);
  });

  test('without smoothing is the negative log-probability', () => {
    const value = scalar(crossEntropy(tf.tensor2d([1, 3, 2, -1], [2, 2]), ints([0, 0]), 0));
    expect(value).toBeCloseTo((Math.log1p(Math.exp(2)) + Math.log1p(Math.exp(-3))) / 2, 5);
  });

  test('has the gradient of finite differences', () => {
    const labels = ints([0, 1, 1]);
    const f = (x: tf.Tensor) => crossEntropy(x as tf.Tensor2D, labels, 0.1).reshape([1]);
    expect(gradientErrors(f, [tf.tensor2d(seededValues(6, 1), [3, 2])], tf.tensor1d([1]))[0]).toBeLessThan(2e-3);
  });
});

/** The worked example of the method: eight clips, energies and labels. */
const energies = [0.1, 0.2, 0.8, 0.9, 0.15, 0.3, 0.7, 0.85];
const labels = [0, 0, 1, 1, 0, 0, 1, 1];
const contrastive: StfConfig = {
  ...debug(),
  use_contrastive_hll: true,
  use_hll_normalization: false,
  hll_loss_margin: 1,
};
const output = (hll: tf.Tensor1D, all: tf.Tensor1D = tf.onesLike(hll)) => ({
  logits: tf.zeros([hll.shape[0], 2]) as tf.Tensor2D,
  hllEnergy: hll,
  allBandEnergy: all,
});
const parts = (hll: number[], classes: number[], config: StfConfig) =>
  Object.fromEntries(
    Object.entries(lossParts(output(tf.tensor1d(hll)), ints(classes), config)).map(([name, x]) => [name, scalar(x)]),
  );
const flickerGradient = (hll: number[], classes: number[], config: StfConfig) =>
  numbersOf(tf.grad((x) => lossParts(output(x as tf.Tensor1D), ints(classes), config).hll)(tf.tensor1d(hll)));

describe('contrastive flicker loss', () => {
  test('the worked example has gap 0.625 and loss 0.375', () => {
    for (const use_hll_normalization of [true, false]) {
      const got = parts(energies, labels, { ...contrastive, use_hll_normalization });
      expect(got.gap).toBeCloseTo(0.625, 6);
      expect(got.hll).toBeCloseTo(0.375, 6);
      expect(got.hllReal).toBeCloseTo(0.1875, 6);
      expect(got.hllFake).toBeCloseTo(0.8125, 6);
      expect(got.hllDefined).toBe(1);
      expect(got.total).toBeCloseTo(Math.LN2 + 0.1 * 0.375, 6);
    }
  });

  test('normalised, it does not know the scale of the features', () => {
    const config = { ...contrastive, use_hll_normalization: true };
    const at = (scale: number) => {
      const all = tf.tensor1d([4, 5, 6, 7].map((v) => v * scale * scale));
      const given = output(tf.tensor1d([0.5, 1.5, 1, 2].map((v) => v * scale)), all);
      return scalar(lossParts(given, ints([0, 1, 0, 1]), config).gap);
    };
    expect(at(10)).toBeCloseTo(at(1), 6);
    const want = (1.5 / Math.sqrt(5) + 2 / Math.sqrt(7) - 0.5 / 2 - 1 / Math.sqrt(6)) / 2;
    expect(at(1)).toBeCloseTo(want, 6);
  });

  test('is zero with zero gradient once the gap reaches the margin', () => {
    const config = { ...contrastive, hll_loss_margin: 0.5 };
    expect(parts(energies, labels, config).hll).toBe(0);
    expect(largestDifference(flickerGradient(energies, labels, config), Array(8).fill(0))).toBe(0);
  });

  test('pulls every real down and every fake up by its share', () => {
    const want = labels.map((label) => (label === 1 ? -1 / 4 : 1 / 4));
    expect(largestDifference(flickerGradient(energies, labels, contrastive), want)).toBeLessThan(1e-6);
  });

  describe.each(['mean', 'paired'] as const)('mode %s', (hll_loss_mode) => {
    const config = { ...contrastive, hll_loss_mode };
    test.each([0, 1])('a batch of label %i alone gives 0, no gradient and says so', (label) => {
      const classes = [label, label, label];
      const got = parts([0.3, 0.5, 0.7], classes, config);
      expect([got.hll, got.hllDefined]).toEqual([0, 0]);
      expect(got.total).toBeCloseTo(got.ce, 7);
      expect(largestDifference(flickerGradient([0.3, 0.5, 0.7], classes, config), [0, 0, 0])).toBe(0);
    });
  });

  test('paired, it takes the i-th real with the i-th fake', () => {
    // Reals 0.1, 0.9; fakes 0.3, 0.8: differences 0.2 and −0.1; hinges at 0.25: 0.05 and 0.35.
    const config = { ...contrastive, hll_loss_mode: 'paired' as const, hll_loss_margin: 0.25 };
    for (const [hll, classes] of [
      [
        [0.1, 0.3, 0.9, 0.8],
        [0, 1, 0, 1],
      ],
      [
        [0.3, 0.8, 0.1, 0.9],
        [1, 1, 0, 0],
      ],
    ]) {
      expect(parts(hll, classes, config).hll).toBeCloseTo(0.2, 6);
    }
    // In the mean the gap is 0.05 and the hinge 0.2 as well; a margin of 0.1 tells the modes apart.
    expect(parts([0.1, 0.3, 0.9, 0.8], [0, 1, 0, 1], { ...config, hll_loss_margin: 0.1 }).hll).toBeCloseTo(0.1, 6);
    const mean = { ...config, hll_loss_margin: 0.1, hll_loss_mode: 'mean' as const };
    expect(parts([0.1, 0.3, 0.9, 0.8], [0, 1, 0, 1], mean).hll).toBeCloseTo(0.05, 6);
  });

  test('paired, members without a partner do not count', () => {
    const config = { ...contrastive, hll_loss_mode: 'paired' as const };
    expect(parts([0.1, 0.3, 0.9], [0, 1, 0], config).hll).toBeCloseTo(0.8, 6);
    const gradient = flickerGradient([0.1, 0.3, 0.9], [0, 1, 0], config);
    expect(largestDifference(gradient, [1, -1, 0])).toBeLessThan(1e-6);
  });
});

describe('flicker loss of V7.3', () => {
  const config: StfConfig = { ...contrastive, use_contrastive_hll: false };

  test('is the mean square over reals', () => {
    const got = parts(energies, labels, config);
    expect(got.hll).toBeCloseTo((0.01 + 0.04 + 0.0225 + 0.09) / 4, 6);
    expect([got.gap, got.hllDefined]).toEqual([expect.closeTo(0.625, 6), 1]);
  });

  test('needs reals only', () => {
    expect(parts([0.3, 0.4], [0, 0], config).hllDefined).toBe(1);
    const fakes = parts([0.3, 0.4], [1, 1], config);
    expect([fakes.hll, fakes.hllDefined]).toEqual([0, 0]);
  });

  test('looks at the amplitude even where normalisation is asked for', () => {
    const all = tf.tensor1d([4, 9]);
    const given = output(tf.tensor1d([0.5, 1]), all);
    const got = lossParts(given, ints([0, 1]), { ...config, use_hll_normalization: true });
    expect(scalar(got.hll)).toBeCloseTo(0.25, 6);
    expect(scalar(got.gap)).toBeCloseTo(0.5, 6);
  });
});

test('the cross-entropy gradient of two halves averages to that of the whole', () => {
  const logits = seededValues(16, 3);
  const classes = [0, 1, 0, 1, 1, 0, 0, 1];
  const gradient = (from: number, to: number) => {
    const given = tf.tensor2d(logits.slice(2 * from, 2 * to), [to - from, 2]);
    return numbersOf(tf.grad((x) => crossEntropy(x as tf.Tensor2D, ints(classes.slice(from, to)), 0.1))(given));
  };
  const halves = [...gradient(0, 4), ...gradient(4, 8)].map((v) => v / 2);
  expect(largestDifference(gradient(0, 8), halves)).toBeLessThan(1e-7);
});

describe('ranking loss within pairs', () => {
  const classes = [0, 1, 1, 0, 1];
  /** Rows of (real, fake); the third fake has no partner. */
  const logits = [0.5, 0.1, -0.2, 0.7, 0.3, 0.3, 1.2, -0.4, 9, -9];
  const margins = [-0.4, 0.9, 0, -1.6];
  const want = (Math.log1p(Math.exp(margins[0] - margins[1])) + Math.log1p(Math.exp(margins[3] - margins[2]))) / 2;
  const loss = (values: number[], labels: number[]) =>
    scalar(pairRankingLoss(tf.tensor2d(values, [labels.length, 2]), ints(labels)));

  test('is the mean over pairs of log(1 + exp(real − fake)), the i-th real with the i-th fake', () => {
    expect(loss(logits, classes)).toBeCloseTo(want, 6);
    expect(loss([2, 1, 2, 1], [0, 1])).toBeCloseTo(Math.LN2, 6);
    expect(loss([2, 1], [0])).toBe(0);
  });

  test('what both members share does not move it', () => {
    const shared = [3, -1, 3, -1, 3, -1, 3, -1, 3, -1];
    const moved = logits.map((value, i) => value + shared[i]!);
    expect(loss(moved, classes)).toBeCloseTo(want, 5);
  });

  test('has the gradient of finite differences', () => {
    const labels = ints(classes);
    const f = (x: tf.Tensor) => pairRankingLoss(x as tf.Tensor2D, labels).reshape([1]);
    expect(gradientErrors(f, [tf.tensor2d(logits, [5, 2])], tf.tensor1d([1]))[0]).toBeLessThan(2e-3);
  });

  test('enters the total by its weight, as the loss of single frames does', () => {
    const frameLogits = tf.tensor3d(seededValues(8 * 3 * 2, 4), [8, 3, 2]);
    const given = { ...output(tf.tensor1d(energies)), logits: tf.tensor2d(seededValues(16, 2), [8, 2]), frameLogits };
    const config = { ...contrastive, pair_loss_weight: 0.5, frame_loss_weight: 0.25 };
    const got = lossParts(given, ints(labels), config);
    const terms = scalar(got.ce) + 0.1 * scalar(got.hll) + 0.5 * scalar(got.pair) + 0.25 * scalar(got.frame);
    expect(scalar(got.total)).toBeCloseTo(terms, 5);
    expect(scalar(got.pair)).toBeGreaterThan(0.1);
    expect(scalar(got.frame)).toBeGreaterThan(0.1);
    const without = lossParts({ ...given, frameLogits: undefined }, ints(labels), contrastive);
    expect([scalar(without.pair), scalar(without.frame)]).toEqual([0, 0]);
  });
});

test('the loss of frames is the mean of their cross-entropies', () => {
  const logits = tf.tensor3d(seededValues(2 * 3 * 2, 3), [2, 3, 2]);
  const byFrame = [0, 1, 2].map((t) =>
    scalar(crossEntropy(logits.slice([0, t, 0], [2, 1, 2]).reshape([2, 2]) as tf.Tensor2D, ints([1, 0]), 0.1)),
  );
  const mean = byFrame.reduce((sum, value) => sum + value) / byFrame.length;
  expect(scalar(frameCrossEntropy(logits, ints([1, 0]), 0.1))).toBeCloseTo(mean, 6);
});
