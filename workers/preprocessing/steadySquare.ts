import type { Square } from './cropSquare.js';

/**
 * What self-blending needs around a face, as shares of the width and height of the box around its 68 landmarks: the
 * margin crop of training (`margin_crop`) finds it all in the picture.
 */
const MARGIN = { side: 0.5, top: 1, bottom: 0.4 };

export type PictureSize = { width: number; height: number };

/** What is cut out of the upright pictures of a run, and how much of it the face takes. */
export type FramedFace = {
  square: Square;
  /** Side that the face with its margin takes there, pixels; no more than the square's. */
  margined: number;
};

/** Side of the crops of a video, pixels: `size`, or less where the picture holds no such square. */
export const cropSide = (size: number, picture: PictureSize): number => Math.min(size, picture.width, picture.height);

/**
 * The square, in whole pixels, that holds the face with its margin in all frames. It keeps inside the picture: where that
 * is too small, the margins are smaller, since what is not in the video cannot be cut from it.
 *
 * A face that takes less than the crop's own side is not enlarged but has more around it: a blend made in enlarged
 * pixels has finer edges than the footage, which no real fake has.
 */
export function steadySquare(
  landmarks: ArrayLike<number>,
  frames: number,
  points: number,
  picture: PictureSize,
  size: number,
): FramedFace {
  const edges: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let t = 0; t < frames; t++) {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let p = 0; p < points; p++) {
      const [x, y] = [landmarks[2 * (t * points + p)]!, landmarks[2 * (t * points + p) + 1]!];
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    edges[0].push(left);
    edges[1].push(top);
    edges[2].push(right);
    edges[3].push(bottom);
  }
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
  const width = median(edges[2].map((right, t) => right - edges[0][t]!));
  const height = median(edges[3].map((bottom, t) => bottom - edges[1][t]!));
  const [left, top] = [Math.min(...edges[0]), Math.min(...edges[1])];
  const [right, bottom] = [Math.max(...edges[2]), Math.max(...edges[3])];
  const wanted = Math.max(right - left + 2 * MARGIN.side * width, bottom - top + (MARGIN.top + MARGIN.bottom) * height);
  const margined = cropSide(Math.ceil(wanted), picture);
  const side = Math.max(margined, cropSide(size, picture));
  const x = left - (side - (right - left)) / 2;
  const y = top - ((side - (bottom - top)) * MARGIN.top) / (MARGIN.top + MARGIN.bottom);
  const inside = (at: number, length: number) => Math.round(Math.min(Math.max(at, 0), length - side));
  return { square: { x: inside(x, picture.width), y: inside(y, picture.height), side }, margined };
}
