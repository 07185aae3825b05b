import type { ShapePredictor } from './shapePredictor.js';
import { type Similarity, similarityBetween } from './similarity.js';

/** An RGB picture `[height, width, 3]`. */
export type RgbPicture = { readonly data: Uint8Array; readonly width: number; readonly height: number };

/** Where a face is: the corners' pixels, both of which belong to the box, as dlib's rectangles have it. */
export type FaceBox = { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };

/**
 * Landmarks of the face in a box: the mean face is laid into it and bent stage by stage, each tree comparing brightness
 * at two points that move along with the shape. As dlib 20's `shape_predictor`, but not rounded to whole pixels.
 *
 * @returns `[points, 2]` (x, y) in pixels of the picture
 */
export function predictShape(model: ShapePredictor, picture: RgbPicture, box: FaceBox): Float32Array {
  const { points, stages, trees, splits, pixels, meanShape, first, second, threshold, leaves, anchor, delta } = model;
  const { data, width, height } = picture;
  const coordinates = 2 * points;
  const shape = Float32Array.from(meanShape);
  const brightness = new Int32Array(pixels);
  const sideX = box.right - box.left;
  const sideY = box.bottom - box.top;
  for (let stage = 0; stage < stages; stage++) {
    const { a, b }: Similarity = similarityBetween(meanShape, shape);
    for (let i = 0, pixel = stage * pixels; i < pixels; i++, pixel++) {
      const dx = delta[2 * pixel]!;
      const dy = delta[2 * pixel + 1]!;
      const point = 2 * anchor[pixel]!;
      const x = Math.floor(box.left + sideX * (a * dx - b * dy + shape[point]!) + 0.5);
      const y = Math.floor(box.top + sideY * (b * dx + a * dy + shape[point + 1]!) + 0.5);
      if (x < 0 || y < 0 || x >= width || y >= height) brightness[i] = 0;
      else {
        const at = 3 * (y * width + x);
        brightness[i] = ((data[at]! + data[at + 1]! + data[at + 2]!) / 3) | 0;
      }
    }
    for (let tree = stage * trees; tree < (stage + 1) * trees; tree++) {
      const root = tree * splits;
      let node = 0;
      while (node < splits) {
        const at = root + node;
        node = 2 * node + (brightness[first[at]!]! - brightness[second[at]!]! > threshold[at]! ? 1 : 2);
      }
      let leaf = (tree * (splits + 1) + node - splits) * coordinates;
      for (let i = 0; i < coordinates; i++) shape[i]! += leaves[leaf++]!;
    }
  }
  for (let i = 0; i < coordinates; i += 2) {
    shape[i] = box.left + sideX * shape[i]!;
    shape[i + 1] = box.top + sideY * shape[i + 1]!;
  }
  return shape;
}
