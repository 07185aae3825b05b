import { describe, expect, it } from 'vitest';
import { convexHull } from '../../../workers/image/convexHull.js';
import { raiseBrows, widenMouth } from '../../../workers/synthesis/stages/faceParts.js';
import { drawMask, MASK_TYPES, type MaskType, mask } from '../../../workers/synthesis/stages/mask.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const SIZE = 96;
const stored = syntheticClip({ frames: 1, size: SIZE });
const face = stored.landmarks.subarray(0, 162);

const drawn = (type: MaskType, points = face): Uint8Array => {
  const bytes = new Uint8Array(SIZE * SIZE);
  drawMask(bytes, 0, SIZE, SIZE, points, type);
  return bytes;
};
const area = (bytes: Uint8Array): number => bytes.reduce((sum, v) => sum + v / 255, 0);
const at = (bytes: Uint8Array, point: number): number =>
  bytes[Math.round(face[2 * point + 1]!) * SIZE + Math.round(face[2 * point]!)]!;

describe('mask', () => {
  it('of type hull holds all landmarks and has the area of their hull', () => {
    const bytes = drawn('hull');
    const hull = convexHull(face);
    let twice = 0;
    for (let i = 0; i < hull.length; i += 2) {
      const j = (i + 2) % hull.length;
      twice += hull[i]! * hull[j + 1]! - hull[j]! * hull[i + 1]!;
    }
    expect(Math.abs(area(bytes) / (twice / 2) - 1)).toBeLessThan(0.02);
    for (let p = 17; p < 68; p++) expect(at(bytes, p)).toBe(255);
    expect(Math.abs(area(drawn('facehull')) / (twice / 2) - 1)).toBeLessThan(0.005);
  });

  it('of the other types is a union of its parts inside the hull', () => {
    const hull = drawn('hull');
    const full = drawn('dfl_full');
    const components = drawn('components');
    for (const bytes of [full, components])
      for (let i = 0; i < bytes.length; i++) if (bytes[i]) expect(hull[i]).toBe(255);
    // None reaches the forehead; the nose belongs to both, the whole mouth to dfl_full.
    expect([at(hull, 74), at(full, 74), at(components, 74)]).toEqual([255, 0, 0]);
    expect([at(full, 30), at(components, 30)]).toEqual([255, 255]);
    expect([at(full, 57), at(full, 51)]).toEqual([255, 255]);
    expect(area(full)).toBeLessThan(area(hull));
  });

  it('extended adds what lies under the raised brows', () => {
    const components = drawn('components');
    const extended = drawn('extended');
    expect(area(extended)).toBeGreaterThan(area(components));
    const raised = raiseBrows(face);
    // Over the inner right brow: its eye corner lies straight below, so the brow rises by half their distance.
    expect(raised[2 * 21 + 1]).toBeCloseTo(face[2 * 21 + 1]! + (face[2 * 21 + 1]! - face[2 * 39 + 1]!) / 2, 12);
    const outer = (face[2 * 36]! + (face[2 * 36]! + face[0]!) / 2) / 2;
    expect(raised[2 * 17]).toBeCloseTo(face[2 * 17]! + (face[2 * 17]! - outer) / 2, 12);
    const mirror = (face[2 * 45]! + (face[2 * 45]! + face[2 * 16]!) / 2) / 2;
    expect(raised[2 * 26]).toBeCloseTo(face[2 * 26]! + (face[2 * 26]! - mirror) / 2, 12);
    expect(raised.subarray(0, 34)).toEqual(face.subarray(0, 34));
    expect(raised.subarray(54)).toEqual(face.subarray(54));
  });

  it('of the partial types holds the features it names and leaves the others', () => {
    const [hull, inner, lower, mouth] = (['hull', 'inner', 'lower', 'mouth'] as const).map((type) => drawn(type));
    const chin = SIZE * Math.round((face[2 * 57 + 1]! + face[2 * 8 + 1]!) / 2) + Math.round(face[2 * 8]!);
    // Brow, eye, bridge of the nose, lips, between lips and chin, forehead.
    const holds = (bytes: Uint8Array | undefined) =>
      [19, 37, 27, 57]
        .map((point) => at(bytes!, point))
        .concat(bytes![chin]!, at(bytes!, 74))
        .map((v) => v === 255);
    expect(holds(inner)).toEqual([true, true, true, true, false, false]);
    expect(holds(lower)).toEqual([false, false, false, true, true, false]);
    expect(holds(mouth)).toEqual([false, false, false, true, false, false]);
    for (const bytes of [inner!, lower!, mouth!])
      for (let i = 0; i < bytes.length; i++) if (bytes[i]) expect(hull![i]).toBe(255);
  });

  it('mouth grows about the centre of the lips by the drawn factor', async () => {
    const lips = convexHull(face.subarray(96, 120));
    let twice = 0;
    for (let i = 0; i < lips.length; i += 2) {
      const j = (i + 2) % lips.length;
      twice += lips[i]! * lips[j + 1]! - lips[j]! * lips[i + 1]!;
    }
    const areaAt = async (growth: number) => {
      const clip = clipOf(syntheticClip({ frames: 1, size: 4 * SIZE }));
      await applyStage(mask, clip, { types: ['mouth'], mouth_growth: [growth, growth] });
      return area(clip.hardMask!.subarray(0, 16 * SIZE * SIZE));
    };
    for (const growth of [1, 1.5]) expect((await areaAt(growth)) / (8 * twice * growth ** 2)).toBeCloseTo(1, 1);
    const centre = (points: Float64Array) => points.subarray(96, 120).reduce((sum, v) => sum + v, 0);
    expect(centre(widenMouth(face, 1.7))).toBeCloseTo(centre(face), 9);
    expect(widenMouth(face, 1.7).subarray(0, 96)).toEqual(face.subarray(0, 96));
  });

  it('draws one type per clip, all about equally often, and sometimes leaves out the forehead', async () => {
    const small = syntheticClip({ frames: 2, size: 24 });
    const seen: Record<string, number> = {};
    let low = 0;
    for (let seed = 0; seed < 300; seed++) {
      const clip = clipOf(small);
      const counters = await applyStage(mask, clip, { types: [...MASK_TYPES] }, seed);
      for (const key of Object.keys(counters)) seen[key] = (seen[key] ?? 0) + 1;
      const hull = clipOf(small);
      await applyStage(mask, hull, { landmarks68_prob: 0.25 }, seed);
      low += Number(hull.support![0]!.y0 > 9);
    }
    for (const type of MASK_TYPES)
      expect(Math.abs(seen[`mask_${type}`]! / 300 - 1 / MASK_TYPES.length)).toBeLessThan(0.08);
    expect(Math.abs(low / 300 - 0.25)).toBeLessThan(0.09);
  });

  it('refuses a face outside the picture and a type it does not know', async () => {
    const clip = clipOf(stored);
    for (let i = 0; i < clip.landmarks.length; i++) clip.landmarks[i]! += 500;
    await expect(applyStage(mask, clip)).rejects.toThrow("frame 0: the face's outline covers no pixel of the picture");
    await expect(applyStage(mask, clipOf(stored), { types: ['oval'] })).rejects.toThrow('received oval');
  });
});
