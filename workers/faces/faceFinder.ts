import type { FaceBox, RgbPicture } from './predictShape.js';
import { shrinkPicture } from './shrinkPicture.js';
import { type Detection, surest, TinyFaceDetector } from './tinyFaceDetector.js';
import type { TinyFaceWeights } from './tinyFaceWeights.js';

/**
 * Longest sides to which a picture is shrunk, pixels. The detector has learned faces that fill some tenth to half of its
 * input: the larger one finds faces of 20 pixels on, the smaller one, in whose cells a face is a few pixels, those that
 * fill the picture.
 */
const SIDES = [320, 160] as const;
/** Looked at besides where the best face so far has a lower score: its luck with a size is not a face's fault. */
const MORE_SIDES = [416, 224] as const;
const SURE = 0.5;

/** Finds faces of any size in a picture of any size. */
export class FaceFinder {
  readonly #detector: TinyFaceDetector;

  constructor(weights: TinyFaceWeights) {
    this.#detector = new TinyFaceDetector(weights);
  }

  /** Middle and size in pixels of the picture, the surest first. */
  find(picture: RgbPicture, least: number): Detection[] {
    const found = this.#findAt(SIDES, picture, least);
    if (!found.some(({ score }) => score >= SURE)) found.push(...this.#findAt(MORE_SIDES, picture, least));
    return surest(found);
  }

  #findAt(sides: readonly number[], picture: RgbPicture, least: number): Detection[] {
    const longest = Math.max(picture.width, picture.height);
    return sides.flatMap((side) => {
      const scale = Math.min(1, side / longest);
      const small = shrinkPicture(picture, Math.round(picture.width * scale), Math.round(picture.height * scale));
      const [x, y] = [picture.width / small.width, picture.height / small.height];
      return this.#detector
        .detect(small, least)
        .map((one) => ({ ...one, x: one.x * x, y: one.y * y, width: one.width * x, height: one.height * y }));
    });
  }
}

/**
 * Where dlib's detector, for whose boxes the landmark predictor was trained, would put its box around a detected face:
 * medians over 212 pictures in which both found the same face, as shares of the detected height.
 */
const DLIB_BOX = { right: 0.024, up: 0.072, side: 0.87 };

export function dlibBox({ x, y, height }: Detection): FaceBox {
  const half = (DLIB_BOX.side * height) / 2;
  const [middleX, middleY] = [x + DLIB_BOX.right * height, y - DLIB_BOX.up * height];
  return { left: middleX - half, top: middleY - half, right: middleX + half, bottom: middleY + half };
}
