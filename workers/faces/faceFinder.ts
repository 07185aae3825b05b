import type { FaceBox, RgbPicture } from './predictShape.js';
import { shrinkPicture } from './shrinkPicture.js';
import { type Detection, surest, TinyFaceDetector } from './tinyFaceDetector.js';
import type { TinyFaceWeights } from './tinyFaceWeights.js';

/**
 * Longest side to which a picture is shrunk, and the width of a grey frame around it, pixels. The detector has learned
 * faces that fill some tenth to half of its input: the larger input finds faces of 20 pixels on, the smaller one those
 * that fill the picture.
 */
const INPUTS = [
  { side: 320, border: 0 },
  { side: 160, border: 0 },
] as const;
/** Looked at besides where the best face so far has a lower score than `SURE`: its luck with a size is not its fault. */
const MORE_INPUTS = [
  { side: 416, border: 0 },
  { side: 224, border: 0 },
  { side: 96, border: 32 },
] as const;
const GREY = 114;
const SURE = 0.5;

/** Finds faces of any size in a picture of any size. */
export class FaceFinder {
  readonly #detector: TinyFaceDetector;

  constructor(weights: TinyFaceWeights) {
    this.#detector = new TinyFaceDetector(weights);
  }

  /** Middle and size in pixels of the picture, the surest first. */
  find(picture: RgbPicture, least: number): Detection[] {
    const found = this.#findAt(INPUTS, picture, least);
    if (!found.some(({ score }) => score >= SURE)) found.push(...this.#findAt(MORE_INPUTS, picture, least));
    return surest(found);
  }

  #findAt(inputs: readonly { side: number; border: number }[], picture: RgbPicture, least: number): Detection[] {
    const longest = Math.max(picture.width, picture.height);
    return inputs.flatMap(({ side, border }) => {
      const scale = Math.min(1, side / longest);
      const small = shrinkPicture(picture, Math.round(picture.width * scale), Math.round(picture.height * scale));
      const [x, y] = [picture.width / small.width, picture.height / small.height];
      return this.#detector.detect(framed(small, border), least).map((one) => ({
        ...one,
        x: (one.x - border) * x,
        y: (one.y - border) * y,
        width: one.width * x,
        height: one.height * y,
      }));
    });
  }
}

function framed({ data, width, height }: RgbPicture, border: number): RgbPicture {
  if (border === 0) return { data, width, height };
  const [outWidth, outHeight] = [width + 2 * border, height + 2 * border];
  const out = new Uint8Array(outWidth * outHeight * 3).fill(GREY);
  for (let y = 0; y < height; y++)
    out.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((y + border) * outWidth + border));
  return { data: out, width: outWidth, height: outHeight };
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
