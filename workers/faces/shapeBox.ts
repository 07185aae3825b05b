import type { FaceBox } from './predictShape.js';
import { similarityBetween } from './similarity.js';

/**
 * The box in which the mean face would best cover these landmarks: where a detector of the predictor's training would
 * have put it, so that a face can be followed without detecting it anew.
 */
export function shapeBox(meanShape: Float32Array, landmarks: ArrayLike<number>): FaceBox {
  const { a, b, tx, ty } = similarityBetween(meanShape, landmarks);
  const half = Math.hypot(a, b) / 2;
  const [x, y] = [a / 2 - b / 2 + tx, b / 2 + a / 2 + ty];
  return { left: x - half, top: y - half, right: x + half, bottom: y + half };
}

/** How far landmarks are from a turned and scaled mean face, root mean square as a share of its box's side. */
export function shapeStrain(meanShape: Float32Array, landmarks: ArrayLike<number>): number {
  const { a, b, tx, ty } = similarityBetween(meanShape, landmarks);
  let squares = 0;
  for (let i = 0; i < meanShape.length; i += 2) {
    const [x, y] = [meanShape[i]!, meanShape[i + 1]!];
    squares += (a * x - b * y + tx - landmarks[i]!) ** 2 + (b * x + a * y + ty - landmarks[i + 1]!) ** 2;
  }
  return Math.sqrt(squares / (meanShape.length / 2)) / Math.hypot(a, b);
}
