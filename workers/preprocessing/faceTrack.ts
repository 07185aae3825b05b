import { type FaceBox, predictShape, type RgbPicture } from '../faces/predictShape.js';
import { shapeBox, shapeStrain } from '../faces/shapeBox.js';
import type { ShapePredictor } from '../faces/shapePredictor.js';
import { shrinkPicture } from '../faces/shrinkPicture.js';
import { type Detection, overlap } from '../faces/tinyFaceDetector.js';
import { smoothOverTime } from '../synthesis/stages/prepareLandmarks.js';
import { cropSquare, type Square } from './cropSquare.js';

/**
 * What self-blending needs around a face, as shares of the width and height of the box around its 68 landmarks: the
 * margin crop of training (`margin_crop`) finds it all in the picture.
 */
const MARGIN = { side: 0.5, top: 1, bottom: 0.4 };
/** The part of the picture that is kept while a run is followed: the first frame's square and this share more. */
const ROOM = 1.5;
/** A face jumps no further than this from one frame to the next, as a share of its box's side; it grows no more either. */
const MOST_JUMP = 0.5;
const MOST_GROWTH = 1.3;
/** Root mean square distance from the mean face, share of the box's side, beyond which landmarks are no face. */
const MOST_STRAIN = 0.12;
/** The detected box and that of the landmarks have to share as much of their union. */
const LEAST_AGREEMENT = 0.3;
/** Into a first box, which the detector laid roughly, the shape is laid once more. */
const FIRST_FITS = 3;

type Size = { width: number; height: number };
type Bounds = { left: number; top: number; right: number; bottom: number };

/** A face that is followed through a run, with as much of the pictures as its crops may need. */
export class FaceTrack {
  readonly #landmarks: Float32Array[] = [];
  readonly #views: Uint8Array[] = [];
  #view: Bounds & { shrunk: number } = { left: 0, top: 0, right: 0, bottom: 0, shrunk: 1 };
  #picture: Size = { width: 0, height: 0 };
  #box: FaceBox;
  #best: number;
  #lost: string | undefined;

  private constructor(
    private readonly model: ShapePredictor,
    private readonly size: number,
    { score }: Detection,
    box: FaceBox,
  ) {
    this.#box = box;
    this.#best = score;
  }

  static begin(
    model: ShapePredictor,
    picture: RgbPicture,
    detection: Detection,
    box: FaceBox,
    size: number,
  ): FaceTrack {
    const track = new FaceTrack(model, size, detection, box);
    for (let fit = 1; fit < FIRST_FITS; fit++)
      track.#box = shapeBox(model.meanShape, predictShape(model, picture, track.#box));
    track.follow(picture);
    return track;
  }

  /** Why the face could not be followed to here. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** The surest detection that it was confirmed by. */
  get score(): number {
    return this.#best;
  }

  /** Side of the face's box in the last frame, pixels. */
  get side(): number {
    return this.#box.right - this.#box.left;
  }

  get place(): { x: number; y: number; width: number; height: number } {
    const { left, top, right, bottom } = this.#box;
    return { x: (left + right) / 2, y: (top + bottom) / 2, width: right - left, height: bottom - top };
  }

  /** Finds the face in the next picture, near to where it was in the last. */
  follow(picture: RgbPicture): void {
    if (this.#lost !== undefined) return;
    const landmarks = predictShape(this.model, picture, this.#box);
    const box = shapeBox(this.model.meanShape, landmarks);
    const side = box.right - box.left;
    const jump =
      Math.hypot(
        box.left + box.right - this.#box.left - this.#box.right,
        box.top + box.bottom - this.#box.top - this.#box.bottom,
      ) / 2;
    if (!(shapeStrain(this.model.meanShape, landmarks) <= MOST_STRAIN)) {
      this.#lose('its landmarks form no face');
      return;
    }
    if (this.#landmarks.length > 0 && jump > MOST_JUMP * this.side) {
      this.#lose('it jumps');
      return;
    }
    if (this.#landmarks.length > 0 && Math.max(side / this.side, this.side / side) > MOST_GROWTH) {
      this.#lose('its size jumps');
      return;
    }
    this.#landmarks.push(landmarks);
    this.#box = box;
    if (this.#landmarks.length === 1) this.#placeView(picture, landmarks);
    this.#views.push(this.#cutView(picture));
  }

  /** Whether a detector still sees a face there. */
  confirm(detections: readonly (Detection & { box: FaceBox })[]): void {
    if (this.#lost !== undefined) return;
    const here = detections.filter(({ box }) => overlap(placeOf(box), this.place) >= LEAST_AGREEMENT);
    if (here.length === 0) {
      this.#lose('the detector does not see it any more');
      return;
    }
    this.#best = Math.max(this.#best, ...here.map(({ score }) => score));
  }

  /**
   * Crops and landmarks of the run: one square for all of it.
   * @returns crops `[T, size, size, 3]` and landmarks `[T, 68, 2]` in their pixels; a reason where they cannot be made
   */
  cut(sigma: number): { crops: Uint8Array; landmarks: Float64Array; square: Square } | string {
    const frames = this.#landmarks.length;
    const values = 2 * this.model.points;
    const landmarks = new Float64Array(frames * values);
    this.#landmarks.forEach((frame, t) => {
      landmarks.set(frame, t * values);
    });
    if (sigma > 0) smoothOverTime(landmarks, frames, 1, sigma);
    const square = steadySquare(landmarks, frames, this.model.points, this.#picture);
    const { left, top, right, bottom, shrunk } = this.#view;
    const [squareRight, squareBottom] = [square.x + square.side, square.y + square.side];
    const outside = square.x < left || square.y < top || squareRight > right || squareBottom > bottom;
    if (outside) return 'the face moves too far for one square';
    const { width, height } = this.#viewSize();
    const crops = new Uint8Array(frames * this.size * this.size * 3);
    const own: Square = { x: (square.x - left) / shrunk, y: (square.y - top) / shrunk, side: square.side / shrunk };
    const frameBytes = this.size * this.size * 3;
    this.#views.forEach((data, t) => {
      cropSquare({ data, width, height }, own, this.size, crops.subarray(t * frameBytes, (t + 1) * frameBytes));
    });
    const scale = this.size / square.side;
    for (let i = 0; i < landmarks.length; i += 2) {
      // Landmarks count pixels' centres, the square their corners.
      landmarks[i] = (landmarks[i]! + 0.5 - square.x) * scale - 0.5;
      landmarks[i + 1] = (landmarks[i + 1]! + 0.5 - square.y) * scale - 0.5;
    }
    return { crops, landmarks, square };
  }

  #lose(reason: string): void {
    this.#lost = reason;
    this.#views.length = 0;
  }

  #placeView(picture: RgbPicture, landmarks: Float32Array): void {
    const { x, y, side } = steadySquare(landmarks, 1, this.model.points, picture);
    const room = ((ROOM - 1) / 2) * side;
    const shrunk = Math.max(1, Math.floor(side / (2 * this.size)));
    const even = (value: number) => Math.floor(value / shrunk) * shrunk;
    const left = even(Math.max(0, x - room));
    const top = even(Math.max(0, y - room));
    const right = Math.min(picture.width, Math.ceil(x + side + room));
    const bottom = Math.min(picture.height, Math.ceil(y + side + room));
    this.#view = { left, top, right, bottom, shrunk };
    this.#picture = { width: picture.width, height: picture.height };
  }

  #viewSize(): Size {
    const { left, top, right, bottom, shrunk } = this.#view;
    return { width: Math.round((right - left) / shrunk), height: Math.round((bottom - top) / shrunk) };
  }

  #cutView({ data, width }: RgbPicture): Uint8Array {
    const { left, top, right, bottom, shrunk } = this.#view;
    const view = new Uint8Array((right - left) * (bottom - top) * 3);
    for (let y = top; y < bottom; y++)
      view.set(data.subarray(3 * (y * width + left), 3 * (y * width + right)), 3 * (y - top) * (right - left));
    if (shrunk === 1) return view;
    const { width: small, height: low } = this.#viewSize();
    return shrinkPicture({ data: view, width: right - left, height: bottom - top }, small, low).data;
  }
}

export const placeOf = ({ left, top, right, bottom }: FaceBox) => ({
  x: (left + right) / 2,
  y: (top + bottom) / 2,
  width: right - left,
  height: bottom - top,
});

/**
 * The square, in whole pixels, that holds the face with its margin in all frames. It keeps inside the picture: where that
 * is too small, the margins are smaller, since what is not in the video cannot be cut from it.
 */
function steadySquare(landmarks: ArrayLike<number>, frames: number, points: number, picture: Size): Square {
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
  const side = Math.min(Math.ceil(wanted), picture.width, picture.height);
  const x = left - (side - (right - left)) / 2;
  const y = top - ((side - (bottom - top)) * MARGIN.top) / (MARGIN.top + MARGIN.bottom);
  const inside = (at: number, length: number) => Math.round(Math.min(Math.max(at, 0), length - side));
  return { x: inside(x, picture.width), y: inside(y, picture.height), side };
}
