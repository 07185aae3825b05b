import { type FaceBox, predictShape, type RgbPicture } from '../faces/predictShape.js';
import { shapeBox, shapeStrain } from '../faces/shapeBox.js';
import type { ShapePredictor } from '../faces/shapePredictor.js';
import { shrinkPicture } from '../faces/shrinkPicture.js';
import { type Detection, overlap } from '../faces/tinyFaceDetector.js';
import { smoothOverTime } from '../synthesis/stages/prepareLandmarks.js';
import { cropSquare, type Square } from './cropSquare.js';
import { cropSide, type FramedFace, type PictureSize, steadySquare } from './steadySquare.js';

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

/** What is cut of a run. */
export type TrackCut = FramedFace & { crops: Uint8Array; landmarks: Float64Array };
type Bounds = { left: number; top: number; right: number; bottom: number };

/** A face that is followed through a run, with as much of the pictures as its crops may need. */
export class FaceTrack {
  readonly #landmarks: Float32Array[] = [];
  readonly #views: Uint8Array[] = [];
  #view: Bounds & { shrunk: number } = { left: 0, top: 0, right: 0, bottom: 0, shrunk: 1 };
  #picture: PictureSize = { width: 0, height: 0 };
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
   * @returns crops `[T, S, S, 3]`, S as `cropSide`, and landmarks `[T, 68, 2]` in their pixels; a reason where they cannot
   *   be made
   */
  cut(sigma: number): TrackCut | string {
    const frames = this.#landmarks.length;
    const values = 2 * this.model.points;
    const landmarks = new Float64Array(frames * values);
    this.#landmarks.forEach((frame, t) => {
      landmarks.set(frame, t * values);
    });
    if (sigma > 0) smoothOverTime(landmarks, frames, 1, sigma);
    const { square, margined } = steadySquare(landmarks, frames, this.model.points, this.#picture, this.size);
    const { left, top, right, bottom, shrunk } = this.#view;
    const [squareRight, squareBottom] = [square.x + square.side, square.y + square.side];
    const outside = square.x < left || square.y < top || squareRight > right || squareBottom > bottom;
    if (outside) return 'the face moves too far for one square';
    const { width, height } = this.#viewSize();
    const size = cropSide(this.size, this.#picture);
    const crops = new Uint8Array(frames * size * size * 3);
    const own: Square = { x: (square.x - left) / shrunk, y: (square.y - top) / shrunk, side: square.side / shrunk };
    const frameBytes = size * size * 3;
    this.#views.forEach((data, t) => {
      cropSquare({ data, width, height }, own, size, crops.subarray(t * frameBytes, (t + 1) * frameBytes));
    });
    const scale = size / square.side;
    for (let i = 0; i < landmarks.length; i += 2) {
      // Landmarks count pixels' centres, the square their corners.
      landmarks[i] = (landmarks[i]! + 0.5 - square.x) * scale - 0.5;
      landmarks[i + 1] = (landmarks[i + 1]! + 0.5 - square.y) * scale - 0.5;
    }
    return { crops, landmarks, square, margined };
  }

  #lose(reason: string): void {
    this.#lost = reason;
    this.#views.length = 0;
  }

  #placeView(picture: RgbPicture, landmarks: Float32Array): void {
    const { x, y, side } = steadySquare(landmarks, 1, this.model.points, picture, this.size).square;
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

  #viewSize(): PictureSize {
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
