import { describe, expect, it } from 'vitest';
import { synthesiseFrom, validationRecipe } from '../../../workers/index.js';
import { cutStoredClips } from '../../../workers/synthesis/cutClips.js';
import { faceSquare } from '../../../workers/synthesis/stages/faceSquare.js';
import { finalCrop } from '../../../workers/synthesis/stages/finalCrop.js';
import { syntheticClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const fail = (reason: string): never => {
  throw new Error(reason);
};

/** A clip whose 68 landmarks fill a box, in every frame. */
function faceIn(left: number, top: number, right: number, bottom: number) {
  const clip = clipOf(syntheticClip({ frames: 2, size: 100 }));
  for (let i = 0; i < clip.landmarks.length; i += 2) {
    clip.landmarks[i] = (i / 2) % 2 === 0 ? left : right;
    clip.landmarks[i + 1] = (i / 2) % 3 === 0 ? top : bottom;
  }
  return clip;
}

describe('faceSquare', () => {
  it('is so many times the longer side of the face, about its centre', () => {
    const clip = faceIn(30, 40, 60, 80);
    expect(faceSquare(clip, { side: 1.5, shiftX: 0, shiftY: 0 }, fail)).toEqual({ x0: 15, y0: 30, x1: 75, y1: 90 });
    expect(faceSquare(clip, { side: 1.5, shiftX: 0.1, shiftY: -0.05 }, fail)).toEqual({
      ...{ x0: 21, y0: 27, x1: 81, y1: 87 },
    });
  });

  it('stays a square inside the picture', () => {
    const corner = faceIn(70, 0, 98, 40);
    expect(faceSquare(corner, { side: 1.5, shiftX: 0, shiftY: 0 }, fail)).toEqual({ x0: 40, y0: 0, x1: 100, y1: 60 });
    expect(faceSquare(corner, { side: 9, shiftX: 0, shiftY: 0 }, fail)).toEqual({ x0: 0, y0: 0, x1: 100, y1: 100 });
  });

  it('says so where there is no face', () => {
    expect(() => faceSquare(faceIn(5, 5, 5, 5), { side: 1.5, shiftX: 0, shiftY: 0 }, fail)).toThrow(/no size/);
  });
});

describe('final_crop', () => {
  it('knows its framings', async () => {
    const clip = faceIn(30, 40, 60, 80);
    clip.fake = clip.target.slice();
    await expect(async () => applyStage(finalCrop, clip, { framing: 'oval' })).rejects.toThrow(
      /one of detector, square for framing but received oval/,
    );
  });

  it('keeps the proportions of a face in a square and stretches them in a detector box', async () => {
    // A disc of 40 pixels about the middle of a face that is higher than wide.
    const extent = async (framing: string) => {
      const clip = faceIn(40, 25, 60, 75);
      for (let i = 0; i < clip.target.length; i++) {
        const [x, y] = [Math.floor(i / 3) % 100, Math.floor(i / 300) % 100];
        clip.target[i] = (x - 50) ** 2 + (y - 50) ** 2 < 20 ** 2 ? 255 : 0;
      }
      clip.fake = clip.target.slice();
      await applyStage(finalCrop, clip, {
        framing,
        size: 96,
        square_side: [1.6, 1.6],
        square_shift: 0,
        margin: [4, 4],
      });
      const { bytes } = clip.pair!;
      let [wide, high] = [0, 0];
      for (let i = 0; i < 96; i++) {
        wide += Number(bytes[(48 * 96 + i) * 3]! > 127);
        high += Number(bytes[(i * 96 + 48) * 3]! > 127);
      }
      return wide / high;
    };
    expect(await extent('square')).toBeCloseTo(1, 1);
    expect(await extent('detector')).toBeGreaterThan(1.3);
  });
});

it('in a square, what is scored is cut as the real member of a validation pair', async () => {
  const layout = { img_size: 32, num_segments: 1, frames_per_segment: 4 };
  const stored = syntheticClip({ frames: 4, size: 80 });
  const sbi = { framing: 'square', square_side_eval: 1.2 } as const;
  const cut = await cutStoredClips(stored, { clips: 1, ...layout, sbi });
  const recipe = validationRecipe({ ...layout, difficulty: 'obvious', sbi });
  const pair = await synthesiseFrom(stored, { seed: 1, epoch: -1, position: 0 }, recipe);
  expect(Buffer.compare(cut.bytes, pair.bytes.subarray(0, pair.bytes.length / 2))).toBe(0);
  const wider = await cutStoredClips(stored, { clips: 1, ...layout, sbi: { ...sbi, square_side_eval: 1.4 } });
  expect(wider.bytes).not.toEqual(cut.bytes);
});
