import type { Clip } from '../clip.js';
import type { Stage } from '../stage.js';

/**
 * Cuts the clip to the face and a generous margin: shares of the width (sides) and height (top, bottom) of the box
 * around the first 68 landmarks. One box for the whole clip, the median over frames: a box per frame would shake.
 */
export const marginCrop: Stage<{ side: number; top: number; bottom: number }> = {
  name: 'margin_crop',
  defaults: { side: 0.5, top: 1, bottom: 0.4 },
  apply(clip, { side, top, bottom }, { fail }) {
    clip.assertNotGathered('margin_crop');
    const face = medianFaceBox(clip, 68);
    const width = face.right - face.left;
    const height = face.bottom - face.top;
    const x0 = Math.max(0, Math.trunc(face.left - side * width));
    const y0 = Math.max(0, Math.trunc(face.top - top * height));
    const x1 = Math.min(clip.width, Math.trunc(face.right + side * width));
    const y1 = Math.min(clip.height, Math.trunc(face.bottom + bottom * height));
    if (x1 - x0 < MIN_SIDE || y1 - y0 < MIN_SIDE)
      return fail(
        `expected landmarks inside the ${clip.width}x${clip.height} picture but the face lies at x ${face.left.toFixed(1)}..${face.right.toFixed(1)}, y ${face.top.toFixed(1)}..${face.bottom.toFixed(1)}`,
      );
    clip.box = { x0: clip.box.x0 + x0, y0: clip.box.y0 + y0, x1: clip.box.x0 + x1, y1: clip.box.y0 + y1 };
    for (let i = 0; i < clip.landmarks.length; i += 2) {
      clip.landmarks[i]! -= x0;
      clip.landmarks[i + 1]! -= y0;
    }
  },
};

/** A face smaller than this is no picture of one, and JPEG's and the blur's blocks would not fit. */
const MIN_SIDE = 8;

export type FaceBox = { left: number; top: number; right: number; bottom: number };

/** Median over the frames of the box around the first `points` landmarks. */
export function medianFaceBox(clip: Clip, points: number): FaceBox {
  const edges: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let t = 0; t < clip.frames; t++) {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let p = 0; p < points; p++) {
      const x = clip.landmarks[(t * clip.points + p) * 2]!;
      const y = clip.landmarks[(t * clip.points + p) * 2 + 1]!;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    [left, top, right, bottom].forEach((edge, i) => {
      edges[i]!.push(edge);
    });
  }
  const [left, top, right, bottom] = edges.map(median) as [number, number, number, number];
  return { left, top, right, bottom };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
