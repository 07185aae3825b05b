import { describe, expect, it } from 'vitest';
import { type RenderedClip, renderClip } from '../../../pipeline/demo/renderClip.js';
import { TalkingHead } from '../../../pipeline/demo/talkingHead.js';

const format = { size: 112, runs: 2, runLength: 8 };
const clip = renderClip({ seed: 5, person: 0, video: 0 }, format);

describe('renderClip', () => {
  it('draws frames, landmarks and frame numbers of the format asked for', () => {
    expect(clip.crops.length).toBe(16 * 112 * 112 * 3);
    expect(clip.landmarks.length).toBe(16 * 81 * 2);
    expect([...clip.frames].slice(0, 8).map((t) => t - clip.frames[0]!)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(clip.frames[8]! - clip.frames[7]!).toBeGreaterThan(8);
  });

  it('gives the same bytes for the same key and others for another seed, person or video', () => {
    const small = { size: 64, runs: 1, runLength: 2 };
    const bytes = (seed: number, person: number, video: number) =>
      Buffer.from(renderClip({ seed, person, video }, small).crops).toString('base64');
    const first = bytes(1, 0, 0);
    expect(bytes(1, 0, 0)).toBe(first);
    expect(new Set([first, bytes(2, 0, 0), bytes(1, 1, 0), bytes(1, 0, 1)]).size).toBe(4);
  });

  it('keeps a person over videos and draws persons that differ', () => {
    const identity = (person: number, video: number) =>
      new TalkingHead(['p', person], ['v', person, video], 32).identity;
    expect(identity(0, 0)).toEqual(identity(0, 1));
    const people = Array.from({ length: 8 }, (_, i) => identity(i, 0));
    for (const figure of [
      (p: (typeof people)[number]) => p.shape.width,
      (p: (typeof people)[number]) => p.skin.tone,
      (p: (typeof people)[number]) => p.mouth.width,
    ])
      expect(new Set(people.map(figure)).size).toBe(8);
  });

  it('moves the face smoothly within a run', () => {
    for (let f = 1; f < 16; f++) {
      if (f === 8) continue;
      for (let i = 0; i < 81; i++) {
        const [x, y] = point(clip, f, i);
        const [x0, y0] = point(clip, f - 1, i);
        // The chin drops fastest: 7 mm in a frame at most, which is 2.6 pixels here.
        expect(Math.hypot(x - x0, y - y0)).toBeLessThan(6);
      }
    }
  });

  it('moves at all: neither head nor mouth stands still', () => {
    const spread = (values: number[]) => Math.max(...values) - Math.min(...values);
    const frames = Array.from({ length: 16 }, (_, f) => f);
    expect(spread(frames.map((f) => point(clip, f, 30)[0]))).toBeGreaterThan(1);
    expect(spread(frames.map((f) => point(clip, f, 66)[1] - point(clip, f, 62)[1]))).toBeGreaterThan(1.5);
  });

  it('adds noise that differs from frame to frame, also where nothing moves', () => {
    const row = (f: number) => clip.crops.subarray(f * 112 * 112 * 3, f * 112 * 112 * 3 + 112 * 3);
    const differences = [...row(0)].map((value, i) => Math.abs(value - row(1)[i]!));
    expect(differences.filter((d) => d > 0).length).toBeGreaterThan(60);
    expect(Math.max(...differences)).toBeLessThan(60);
  });

  it('puts the face where crops of real videos have it', () => {
    // Of side 1: real crops have the 68 points from 0.23–0.36 to 0.68–0.78 across and 0.30–0.39 to 0.73–0.83 down.
    const xs = Array.from({ length: 68 }, (_, i) => point(clip, 0, i)[0] / 112);
    const ys = Array.from({ length: 68 }, (_, i) => point(clip, 0, i)[1] / 112);
    expect(Math.min(...xs)).toBeGreaterThan(0.18);
    expect(Math.max(...xs)).toBeLessThan(0.82);
    expect(Math.min(...ys)).toBeGreaterThan(0.25);
    expect(Math.max(...ys)).toBeLessThan(0.88);
    expect(Math.max(...xs) - Math.min(...xs)).toBeGreaterThan(0.33);
  });

  it('has its landmarks on the picture: eyes are darkest between the lids, not above or below', () => {
    let eyes = 0;
    for (const person of [0, 1, 2, 3]) {
      const drawn = renderClip({ seed: 5, person, video: 0 }, { size: 112, runs: 2, runLength: 1 });
      for (const f of [0, 1]) {
        for (const start of [36, 42]) {
          const lids = [0, 1, 2, 3, 4, 5].map((i) => point(drawn, f, start + i));
          const open = lids[4]![1] + lids[5]![1] - lids[1]![1] - lids[2]![1];
          if (open < 5) continue;
          eyes++;
          const inside = darkest(drawn, f, lids, [0, 0], 112);
          const cheek = darkest(drawn, f, lids, [0, 0.09 * 112], 112);
          expect(inside).toBeLessThan(0.65 * cheek);
        }
      }
    }
    expect(eyes).toBeGreaterThan(4);
  });

  it('has the dark of the mouth within the inner lips when they part, and not on the chin', () => {
    // On light skin without a beard, or the chin would be as dark.
    const person = Array.from({ length: 20 }, (_, i) => i)
      .map((i) => ({ i, skin: new TalkingHead(['demo', 5, i], ['demo', 5, i], 32).identity.skin }))
      .filter(({ skin }) => skin.beard === 0 && skin.stubble < 0.3)
      .sort((a, b) => a.skin.tone - b.skin.tone)[0]!.i;
    const speaking = renderClip({ seed: 5, person, video: 0 }, { size: 160, runs: 4, runLength: 8 });
    let parted = 0;
    for (let f = 0; f < 32; f++) {
      const inner = [60, 61, 62, 63, 64, 65, 66, 67].map((i) => point(speaking, f, i));
      if (inner[6]![1] - inner[2]![1] < 5) continue;
      parted++;
      // Twelve pixels are 23 mm: the same shape on the chin, below the lower lip.
      expect(darkest(speaking, f, inner, [0, 0], 160)).toBeLessThan(0.75 * darkest(speaking, f, inner, [0, 12], 160));
    }
    expect(parted).toBeGreaterThan(0);
  });
});

function point(drawn: RenderedClip, frame: number, i: number): [number, number] {
  return [drawn.landmarks[(frame * 81 + i) * 2]!, drawn.landmarks[(frame * 81 + i) * 2 + 1]!];
}

/** Luma that only one in 25 pixels falls below, within a polygon moved by (dx, dy) pixels. */
function darkest(
  drawn: RenderedClip,
  frame: number,
  polygon: [number, number][],
  [dx, dy]: [number, number],
  size: number,
): number {
  const values: number[] = [];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (!within(polygon, x - dx, y - dy)) continue;
      const at = ((frame * size + y) * size + x) * 3;
      values.push(0.299 * drawn.crops[at]! + 0.587 * drawn.crops[at + 1]! + 0.114 * drawn.crops[at + 2]!);
    }
  }
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 25)]!;
}

function within(polygon: [number, number][], x: number, y: number): boolean {
  let inside = false;
  polygon.forEach(([ax, ay], i) => {
    const [bx, by] = polygon[(i + 1) % polygon.length]!;
    if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
  });
  return inside;
}
