import { describe, expect, it } from 'vitest';
import { simpleCues } from '../../../model/evaluation/simpleCues.js';
import { keyedGenerator } from '../../../workers/index.js';

const options = () => ({ resamples: 50, level: 0.95, uniform: keyedGenerator(1).uniform });

describe('simpleCues', () => {
  it('takes the softer, smaller and leaner for the fake, and only where it is known', () => {
    const sharp = { sharpness: 90, width: 640, height: 480, facePixels: 120, bitsPerPixel: 0.3 };
    const figures = simpleCues(
      [
        { label: 0, unit: 0, pairGroup: 'a', properties: sharp },
        { label: 1, unit: 0, pairGroup: 'a', properties: { ...sharp, sharpness: 20, width: 1280 } },
        { label: 0, unit: 1, properties: { width: 640, height: 640 } },
        { label: 1, unit: 2, properties: {} },
        { label: 1, unit: 3 },
      ],
      options,
    );
    expect(figures.map(({ cue, reals, fakes, auc }) => [cue, reals, fakes, auc.value])).toEqual([
      ['softness', 1, 1, 1], // 20 below 90
      ['few_pixels', 2, 1, 0], // 1280 x 480 is the largest
      ['small_face', 1, 1, 0.5],
      ['few_bits', 1, 1, 0.5],
    ]);
    expect(figures.map(({ paired: { pairs, share } }) => [pairs, share.value])).toEqual([
      [1, 1],
      [1, 0],
      [1, 0.5],
      [1, 0.5],
    ]);
  });

  it("reads a collection by other people's videos alone", () => {
    const of = (label: 0 | 1, unit: number, collection?: string) => ({
      ...{ label, unit },
      ...(collection === undefined ? {} : { collection }),
    });
    const perfect = simpleCues([of(0, 0, 'news'), of(0, 1, 'news'), of(1, 2, 'lab'), of(1, 3, 'lab')], options);
    expect(perfect.map(({ cue, auc }) => [cue, auc.value])).toEqual([['collection', 1]]);
    // Everyone has a collection of his own: nothing can be read, though each name gives its label away.
    const lone = simpleCues([of(0, 0, 'a'), of(0, 1, 'b'), of(1, 2, 'c'), of(1, 3, 'd')], options);
    expect(lone[0]!.auc.value).toBe(0.5);
    expect(simpleCues([of(0, 0), of(1, 1)], options)).toEqual([]);
  });
});
