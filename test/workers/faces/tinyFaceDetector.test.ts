import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { overlap, surest, TinyFaceDetector } from '../../../workers/faces/tinyFaceDetector.js';
import { FaceModelError, readTinyFaceWeights } from '../../../workers/index.js';
import { fixture } from '../reference.js';

/* Against PyTorch, with weights and a picture that formulas give (fixtures/scripts/workers_faces.py). */

type Expected = { manifest: [{ weights: { shape: number[] }[] }]; best: [number, number, number, number, number] };
const { manifest, best } = JSON.parse(readFileSync(fixture('tiny_face.json'), 'utf8')) as Expected;
const count = manifest[0].weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);

function formulaBytes(): Uint8Array {
  const bytes = new Uint8Array(count);
  let state = 1n;
  for (let i = 0; i < count; i++) {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    bytes[i] = Number((state >> 16n) & 255n);
  }
  return bytes;
}

describe('the tiny face detector', () => {
  const bytes = formulaBytes();
  const text = JSON.stringify(manifest);
  const weights = readTinyFaceWeights(text, bytes, 'tiny.bin');

  it('computes what PyTorch does, on a picture that is no whole number of cells', () => {
    const [width, height] = [91, 64];
    const data = new Uint8Array(width * height * 3);
    for (let y = 0, i = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (const value of [3 * x + y, Math.floor((x * y) / 7), 5 * y + 90]) data[i++] = value % 256;
    const [found] = new TinyFaceDetector(weights).detect({ data, width, height }, 0);
    const { x, y, width: boxWidth, height: boxHeight, score } = found!;
    [x, y, boxWidth, boxHeight, score].forEach((value, i) => {
      expect(value / best[i]!).toBeCloseTo(1, 3);
    });
  });

  it('refuses weights of another network', () => {
    expect(() => readTinyFaceWeights(text, bytes.subarray(1), 'tiny.bin')).toThrow(FaceModelError);
    expect(() => readTinyFaceWeights('[]', bytes, 'tiny.bin')).toThrow(
      /tiny\.bin: expected 432 numbers for conv0\/filters/,
    );
    expect(() => readTinyFaceWeights('{', bytes, 'tiny.bin')).toThrow(/manifest/);
  });

  it('refuses pictures larger than its memory', () => {
    const large = { data: new Uint8Array(3 * 500 * 20), width: 500, height: 20 };
    expect(() => new TinyFaceDetector(weights).detect(large, 0.5)).toThrow(/at most 416 pixels .* 500x20/);
  });
});

describe('boxes that overlap', () => {
  const box = (x: number, score: number) => ({ x, y: 0, width: 10, height: 10, score });

  it('share what both cover of what either does', () => {
    expect(overlap(box(0, 1), box(5, 1))).toBeCloseTo(50 / 150);
    expect(overlap(box(0, 1), box(20, 1))).toBe(0);
  });

  it('leave only the surest', () => {
    expect(surest([box(0, 0.5), box(2, 0.9), box(30, 0.4)]).map(({ score }) => score)).toEqual([0.9, 0.4]);
  });
});
