import { describe, expect, it } from 'vitest';
import { type AxisTaps, affineTaps, downscaleTaps, resizeTaps } from '../../../workers/image/axisTaps.js';
import { type Box, wholeBox } from '../../../workers/image/box.js';
import { affineNearestMap, displacementNearestMap, remapNearest } from '../../../workers/image/remapNearest.js';
import { resampleMask } from '../../../workers/image/resampleMask.js';
import { resampleRgb } from '../../../workers/image/resampleRgb.js';
import { sharpen } from '../../../workers/image/sharpen.js';
import { shiftMask } from '../../../workers/image/shiftMask.js';
import { compare, reference, referenceBytes, referenceFloats } from '../reference.js';

const noise = referenceBytes('noise');
const smooth = referenceBytes('smooth');
const mask = referenceBytes('polygon_mask');
const [H, W] = reference('noise').shape as [number, number];
const M = reference('affine').data as Float64Array;

function resample(source: Uint8Array, columns: AxisTaps, rows: AxisTaps, box?: Box): Uint8Array {
  const [width, height] = [columns.low.length, rows.low.length];
  const out = new Uint8Array(width * height * 3);
  resampleRgb(source, 0, W, out, 0, width, columns, rows, box ?? wholeBox(width, height));
  return out;
}

describe('resampleRgb', () => {
  it("resizes like OpenCV's INTER_LINEAR, enlarging and reducing", () => {
    for (const [w, h] of [
      [41, 33],
      [11, 13],
      [28, 24],
    ] as const) {
      const { most, share } = compare(
        resample(noise, resizeTaps(W, w), resizeTaps(H, h)),
        referenceBytes(`resized_${w}x${h}`),
      );
      expect(most, `${w}x${h}`).toBeLessThanOrEqual(1);
      expect(share, `${w}x${h}`).toBeLessThan(0.2); // OpenCV drops bits between its two passes
    }
  });

  it('resizes a part of the input only', () => {
    const cut = new Uint8Array(10 * 8 * 3);
    for (let y = 0; y < 8; y++) cut.set(noise.subarray(((y + 6) * W + 4) * 3, ((y + 6) * W + 14) * 3), y * 30);
    const out = new Uint8Array(17 * 19 * 3);
    resampleRgb(cut, 0, 10, out, 0, 17, resizeTaps(10, 17), resizeTaps(8, 19), wholeBox(17, 19));
    expect(resample(noise, resizeTaps(10, 17, 4), resizeTaps(8, 19, 6))).toEqual(out);
  });

  it('gives the same bytes inside a box as for the whole picture', () => {
    const columns = affineTaps(W, 1.07, -1.4);
    const rows = affineTaps(H, 0.94, 2.2);
    const whole = resample(noise, columns, rows);
    const box = { x0: 4, y0: 7, x1: 20, y1: 19 };
    const part = resample(noise, columns, rows, box);
    for (let y = box.y0; y < box.y1; y++)
      expect(part.subarray((y * W + 4) * 3, (y * W + 20) * 3)).toEqual(
        whole.subarray((y * W + 4) * 3, (y * W + 20) * 3),
      );
    expect(part.subarray(0, box.y0 * W * 3).every((v) => v === 0)).toBe(true);
  });

  it('moves a smooth picture like warpAffine, black from outside', () => {
    const moved = resample(smooth, affineTaps(W, M[0]!, M[2]!), affineTaps(H, M[4]!, M[5]!));
    // OpenCV rounds positions to 1/32 pixel: up to 1/64 of the steepest step, 0 to 255 at the black border.
    expect(compare(moved, referenceBytes('affine_smooth')).most).toBeLessThanOrEqual(6);
    let sum = 0;
    moved.forEach((v, i) => {
      sum += Math.abs(v - referenceBytes('affine_smooth')[i]!);
    });
    expect(sum / moved.length).toBeLessThan(0.5);
  });

  it('keeps every byte where the map is the identity', () => {
    expect(resample(noise, affineTaps(W, 1, 0), affineTaps(H, 1, 0))).toEqual(noise);
    expect(resample(noise, resizeTaps(W, W), resizeTaps(H, H))).toEqual(noise);
  });

  it('lowers the resolution like two resizes of OpenCV', () => {
    for (const factor of [2, 4]) {
      const { most, share } = compare(
        resample(noise, downscaleTaps(W, factor), downscaleTaps(H, factor)),
        referenceBytes(`downscaled_${factor}`),
      );
      expect(most, `${factor}`).toBeLessThanOrEqual(1);
      expect(share, `${factor}`).toBeLessThan(0.2);
    }
  });
});

describe('sharpen', () => {
  it('is the filter of the reference', () => {
    const [alpha, lightness] = reference('sharpen_alpha_lightness').data as Float64Array;
    const out = new Uint8Array(noise.length);
    sharpen(noise, 0, out, 0, W, H, wholeBox(W, H), alpha!, lightness!);
    const { most, share } = compare(out, referenceBytes('sharpened'));
    expect(most).toBeLessThanOrEqual(1);
    expect(share).toBeLessThan(0.01);
    const part = new Uint8Array(noise.length);
    sharpen(noise, 0, part, 0, W, H, { x0: 0, y0: 3, x1: 11, y1: H }, alpha!, lightness!);
    for (let y = 3; y < H; y++)
      expect(part.subarray(y * W * 3, (y * W + 11) * 3)).toEqual(out.subarray(y * W * 3, (y * W + 11) * 3));
  });
});

describe('masks', () => {
  it('move with the affine map, nearest neighbour', () => {
    const map = new Int32Array(W * H);
    affineNearestMap(map, W, H, M[0]!, M[4]!, M[2]!, M[5]!);
    const out = new Uint8Array(W * H);
    remapNearest(mask, out, 0, W, wholeBox(W, H), map);
    // OpenCV's fixed-point positions decide a few near-ties on the outline otherwise.
    expect(compare(out, referenceBytes('affine_mask')).share).toBeLessThanOrEqual(0.01);
  });

  it('bend with a displacement field like remap with INTER_NEAREST and reflect-101', () => {
    const map = new Int32Array(W * H);
    displacementNearestMap(map, W, H, wholeBox(W, H), referenceFloats('dx'), referenceFloats('dy'));
    const out = new Uint8Array(W * H);
    remapNearest(mask, out, 0, W, wholeBox(W, H), map);
    expect(compare(out, referenceBytes('remapped_mask')).share).toBeLessThanOrEqual(0.01);
  });

  it('shift by fractions of a pixel like warpAffine with INTER_LINEAR', () => {
    const [dx, dy] = reference('shift').data as Float64Array;
    const out = new Float32Array(W * H);
    const box = shiftMask(mask, out, 0, W, H, wholeBox(W, H), dx!, dy!);
    expect(compare(out, referenceFloats('shifted_mask')).most).toBeLessThan(1 / 32 + 1e-3);
    expect(box).toEqual({ x0: 1, y0: 0, x1: W, y1: H });
    const tight = new Float32Array(W * H);
    shiftMask(mask, tight, 0, W, H, { x0: 4, y0: 3, x1: 24, y1: 22 }, dx!, dy!);
    expect(tight).toEqual(out);
  });

  it('resize from their box as from the whole picture', () => {
    const floats = Float32Array.from(mask, (v) => v / 255);
    const [columns, rows] = [resizeTaps(W, 61), resizeTaps(H, 50)];
    const whole = new Float32Array(61 * 50);
    resampleMask(floats, 0, W, wholeBox(W, H), whole, 0, 61, columns, rows);
    const part = new Float32Array(61 * 50);
    const box = resampleMask(floats, 0, W, { x0: 4, y0: 3, x1: 24, y1: 22 }, part, 0, 61, columns, rows);
    expect(part).toEqual(whole);
    expect(box.x1 - box.x0).toBeLessThan(61);
    for (let y = 0; y < 50; y++)
      for (let x = 0; x < 61; x++)
        if (x < box.x0 || x >= box.x1 || y < box.y0 || y >= box.y1) expect(whole[y * 61 + x]).toBe(0);
  });
});
