import { describe, expect, it } from 'vitest';
import { type Box, wholeBox } from '../../../workers/image/box.js';
import { gaussianBlur } from '../../../workers/image/gaussianBlur.js';
import { gaussianKernel, sigmaOfSize, sizeOfSigma } from '../../../workers/image/gaussianKernel.js';
import { compare, reference, referenceFloats } from '../reference.js';

const field = referenceFloats('field');
const [H, W] = reference('field').shape as [number, number];

function blurred(source: Float32Array, kernel: Float32Array, sourceBox: Box, outBox: Box): Float32Array {
  const out = new Float32Array(W * H).fill(9);
  gaussianBlur(source, 0, W, H, sourceBox, kernel, out, 0, outBox);
  return out;
}

describe('gaussianBlur', () => {
  it("equals OpenCV's, also where the kernel is wider than the picture", () => {
    for (const [size, sigma] of [
      [5, 1.1],
      [25, 45],
      [13, 7],
      [57, 7],
    ] as const) {
      const out = blurred(field, gaussianKernel(size, sigma), wholeBox(W, H), wholeBox(W, H));
      expect(compare(out, referenceFloats(`blurred_${size}_${sigma}`)).most, `${size}`).toBeLessThan(1e-5);
    }
    const size = sizeOfSigma(7);
    expect(size).toBe(57);
    const auto = blurred(field, gaussianKernel(size, 7), wholeBox(W, H), wholeBox(W, H));
    expect(compare(auto, referenceFloats('blurred_auto_7')).most).toBeLessThan(1e-5);
  });

  it('gives the same inside a box, from a source that is 0 outside another', () => {
    const sourceBox = { x0: 0, y0: 4, x1: 13, y1: 20 };
    const cut = field.map((v, i) => (i % W < 13 && Math.floor(i / W) >= 4 && Math.floor(i / W) < 20 ? v : 0));
    const kernel = gaussianKernel(9, 2.5);
    const whole = blurred(cut, kernel, wholeBox(W, H), wholeBox(W, H));
    // What lies outside sourceBox is never looked at.
    const part = blurred(field, kernel, sourceBox, { x0: 2, y0: 0, x1: 22, y1: 15 });
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++) expect(part[y * W + x]).toBe(x >= 2 && x < 22 && y < 15 ? whole[y * W + x] : 9);
  });

  it('keeps a constant to the last bit along rows and to rounding over all', () => {
    const out = blurred(new Float32Array(W * H).fill(0.7), gaussianKernel(25, 20), wholeBox(W, H), wholeBox(W, H));
    for (const v of out) expect(Math.abs(v - 0.7)).toBeLessThan(1e-6);
  });
});

describe('gaussianKernel', () => {
  it("is OpenCV's", () => {
    expect(compare(gaussianKernel(13, 7), referenceFloats('kernel_13_7')).most).toBeLessThan(1e-7);
    expect(sigmaOfSize(25)).toBeCloseTo(4.1, 12);
  });

  it('refuses sizes without a centre', () => {
    expect(() => gaussianKernel(4, 1)).toThrow('Expected an odd positive number for size but received 4');
    expect(() => gaussianKernel(5, 0)).toThrow('Expected a positive number for sigma but received 0');
  });
});
