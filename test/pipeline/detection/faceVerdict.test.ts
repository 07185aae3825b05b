import { describe, expect, it } from 'vitest';
import {
  decidingFace,
  type FaceVerdict,
  type JudgingOptions,
  judgeFace,
  verdictOn,
} from '../../../pipeline/detection/faceVerdict.js';
import { keyedGenerator } from '../../../workers/index.js';

const calibration = { temperature: 2, pairs: 64, nll: 0.4, nllUncalibrated: 0.5, auc: 0.9, step: 10 };
const options = (more: Partial<JudgingOptions> = {}): JudgingOptions => ({
  ...{ calibration, threshold: 0.5, resamples: 2000, level: 0.95 },
  uniform: keyedGenerator('face verdict').uniform,
  ...more,
});
const who = { face: 1, facePx: 200, certainty: 0.9 };
const clips = (...scores: number[]) =>
  scores.map((score, i) => ({
    segments: [
      { frame: 50 * i, from: 2 * i, to: 2 * i + 0.16 },
      { frame: 50 * i + 20, from: 2 * i + 0.8, to: 2 * i + 0.96 },
    ],
    score,
  }));
const judge = (scores: number[], more?: Partial<JudgingOptions>) => judgeFace(who, clips(...scores), options(more));

describe('judgeFace', () => {
  it('is the mean of calibrated clips, with the bootstrap interval of that mean', () => {
    const scores = [0.9, 0.8, 0.95, 0.2, 0.6];
    const made = judge(scores);
    // σ(logit(p)/2) = √p / (√p + √(1−p))
    const expected = scores.map((p) => Math.sqrt(p) / (Math.sqrt(p) + Math.sqrt(1 - p)));
    made.clips.forEach(({ probability, score }, i) => {
      expect(probability).toBeCloseTo(expected[i]!, 12);
      expect(score).toBe(scores[i]);
    });
    const mean = expected.reduce((a, b) => a + b) / 5;
    expect(made.probability).toBeCloseTo(mean, 12);
    expect(made.score).toBeCloseTo(scores.reduce((a, b) => a + b) / 5, 12);
    // All 5⁵ equally likely draws, counted out: the 2.5 % and 97.5 % points of their means.
    const means: number[] = [];
    for (let draw = 0; draw < 5 ** 5; draw++) {
      let sum = 0;
      for (let i = 0, rest = draw; i < 5; i++, rest = Math.floor(rest / 5)) sum += expected[rest % 5]!;
      means.push(sum / 5);
    }
    means.sort((a, b) => a - b);
    expect(made.interval!.low).toBeCloseTo(means[Math.floor(0.025 * means.length)]!, 1);
    expect(made.interval!.high).toBeCloseTo(means[Math.floor(0.975 * means.length)]!, 1);
    expect(made.interval!.low).toBeLessThan(mean);
    expect(made.clips[1]).toMatchObject({ from: 2, to: 2.96 });
  });

  it('says a word only where the whole interval lies on one side of the threshold', () => {
    expect(judge([0.9, 0.95, 0.8]).verdict).toBe('likely manipulated');
    expect(judge([0.1, 0.2, 0.3]).verdict).toBe('no sign found');
    expect(judge([0.1, 0.2, 0.99]).verdict).toBe('undecided');
    expect(judge([0.9, 0.95, 0.8], { threshold: 0.95 }).verdict).toBe('no sign found');
    expect(judge([0.5, 0.5]).verdict).toBe('likely manipulated'); // `threshold` or more, as everywhere
    expect(judge([0.9, 0.95, 0.8]).note).toMatch(/3 clips only/);
    expect(judge([0.9, 0.95, 0.8, 0.9]).note).toBeUndefined();
  });

  it('gives no verdict on one clip, on none, and on what may be no face', () => {
    expect(judge([0.99])).toMatchObject({ verdict: null, interval: null, note: expect.stringContaining('one clip') });
    expect(judge([0.99]).probability).toBeGreaterThan(0.5);
    expect(judge([])).toMatchObject({ verdict: null, probability: null, score: null, clips: [] });
    const emblem = judgeFace({ ...who, certainty: 0.52 }, clips(0.99, 0.99), options());
    expect(emblem).toMatchObject({ verdict: null, note: expect.stringContaining('perhaps no face') });
  });

  it('is undecided whatever a detector says that told nothing apart, and takes raw scores where none is known', () => {
    const chance = { ...calibration, nll: Math.LN2 - 0.001 };
    expect(judge([0.99, 0.99], { calibration: chance })).toMatchObject({
      verdict: 'undecided',
      note: expect.stringContaining('on validation'),
    });
    expect(judge([0.7, 0.9], { calibration: null })).toMatchObject({
      verdict: 'undecided',
      probability: 0.8,
      note: expect.stringContaining('not calibrated'),
    });
  });
});

describe('decidingFace and verdictOn', () => {
  const face = (verdict: FaceVerdict['verdict'], probability = 0.5, count = 2) =>
    ({ verdict, probability, clips: Array(count).fill({}) }) as unknown as FaceVerdict;
  it('take the most suspicious face with a verdict', () => {
    const likely = face('likely manipulated', 0.8);
    expect(decidingFace([face('no sign found'), face('likely manipulated', 0.7), likely])).toBe(likely);
    expect(verdictOn([face('no sign found'), face('undecided')])).toBe('undecided');
    // What may be no face, or was seen for a moment, does not count beside one that was judged.
    expect(verdictOn([face('no sign found', 0.1), face(null, 0.99)])).toBe('no sign found');
    const longer = face(null, 0.2, 3);
    expect(decidingFace([face(null, 0.9, 1), longer, face(null, 0, 0)])).toBe(longer);
    expect(verdictOn([longer])).toBe('undecided');
  });
});
