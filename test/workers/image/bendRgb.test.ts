import { expect, it } from 'vitest';
import { affineTaps } from '../../../workers/image/axisTaps.js';
import { bendRgb } from '../../../workers/image/bendRgb.js';
import { wholeBox } from '../../../workers/image/box.js';
import { resampleRgb } from '../../../workers/image/resampleRgb.js';
import { reference, referenceBytes, referenceFloats } from '../reference.js';

const noise = referenceBytes('noise');
const [H, W] = reference('noise').shape as [number, number];
const constant = (value: number): Float32Array => new Float32Array(W * H).fill(value);

/** A picture whose levels rise by 2 along x and 3 along y, other ones in each channel. */
const ramp = Uint8Array.from({ length: W * H * 3 }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % W, Math.floor(i / 3 / W)];
  return 20 + 2 * x + 3 * y + 10 * (i % 3);
});

it('takes a plane from where the field says, exactly', () => {
  const dx = referenceFloats('dx');
  const dy = referenceFloats('dy');
  const out = new Uint8Array(ramp.length);
  bendRgb(ramp, out, W, H, wholeBox(W, H), { dx, dy });
  let inside = 0;
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      const at = y * W + x;
      const [u, v] = [x + dx[at]!, y + dy[at]!];
      if (u < 0 || v < 0 || u > W - 1 || v > H - 1) continue;
      inside++;
      for (let c = 0; c < 3; c++)
        expect(Math.abs(out[at * 3 + c]! - (20 + 2 * u + 3 * v + 10 * c))).toBeLessThanOrEqual(0.5 + 1e-3);
    }
  expect(inside).toBeGreaterThan(0.8 * W * H);
  expect(dx.some((d) => Math.abs(d) > 0.5)).toBe(true);
});

it('shifts noise like the affine sampling', () => {
  const bent = new Uint8Array(noise.length);
  bendRgb(noise, bent, W, H, wholeBox(W, H), { dx: constant(-1.25), dy: constant(0.5) });
  const moved = new Uint8Array(noise.length);
  resampleRgb(noise, 0, W, moved, 0, W, affineTaps(W, 1, 1.25), affineTaps(H, 1, -0.5), wholeBox(W, H));
  for (let y = 0; y < H - 1; y++)
    for (let i = (y * W + 2) * 3; i < (y + 1) * W * 3; i++) expect(bent[i]).toBe(moved[i]);
});

it('mirrors at the borders and writes its box only', () => {
  const out = new Uint8Array(noise.length).fill(7);
  const box = { x0: 0, y0: 0, x1: 3, y1: H };
  bendRgb(noise, out, W, H, box, { dx: constant(-2), dy: constant(-1) });
  for (let y = 0; y < H; y++)
    for (let x = 0; x < W; x++) {
      const from = Math.abs(y - 1) * W + Math.abs(x - 2);
      for (let c = 0; c < 3; c++) expect(out[(y * W + x) * 3 + c]).toBe(x < 3 ? noise[from * 3 + c] : 7);
    }
});
