import type { ClipSource } from '../synthesis/recipe.js';
import { describeArray, readClipFile, refuseClip } from './readClipFile.js';
import type { NpzLimits } from './readNpz.js';

/** Where the face lies in the frames of a clip. */
export type StoredLandmarks = {
  frames: number;
  /** Landmarks per frame: 68, or 81 with the forehead. */
  points: 68 | 81;
  /** (x, y) in pixels of the crop, `[F, points, 2]`. */
  landmarks: Float64Array;
  /** Frame numbers in the source video `[F]`, where the file has them. */
  frameNumbers: Float64Array | null;
};

/** Twenty minutes of video at 30 per second: landmarks, kept in double precision, must not outgrow the pixels. */
export const MOST_FRAMES = 36_000;

/**
 * Reads a clip's landmarks without its pixels.
 *
 * @throws SampleError (stage `read`) that says what about the file
 */
export async function readLandmarks(source: ClipSource, limits: Partial<NpzLimits> = {}): Promise<StoredLandmarks> {
  const fail = (reason: string): never => refuseClip(source, reason);
  const arrays = await readClipFile(source, 'landmarks', { names: ['landmarks', 'frames'], limits });
  const landmarks = arrays.get('landmarks');
  const numbers = arrays.get('frames');
  if (!landmarks) return fail(`landmarks file ${source.landmarks}: expected an array 'landmarks' but there is none`);
  const [frames, points] = landmarks.shape as [number, number];
  if (
    (!landmarks.dtype.startsWith('float') && !/^u?int(8|16|32)$/.test(landmarks.dtype)) ||
    landmarks.shape.length !== 3 ||
    landmarks.shape[2] !== 2 ||
    (points !== 68 && points !== 81)
  )
    return fail(`expected float32 [F, 68 or 81, 2] for landmarks but received ${describeArray(landmarks)}`);
  if (frames > MOST_FRAMES) return fail(`expected at most ${MOST_FRAMES} frames but received ${frames}`);
  const coordinates = new Float64Array(landmarks.data as Float64Array);
  const bad = coordinates.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const [frame, point] = [Math.floor(bad / (2 * points)), Math.floor(bad / 2) % points];
    return fail(`expected finite landmarks but received ${coordinates[bad]} at frame ${frame}, point ${point}`);
  }
  let frameNumbers: Float64Array | null = null;
  if (numbers) {
    if (numbers.shape.length !== 1 || numbers.shape[0] !== frames || !/int/.test(numbers.dtype))
      return fail(`expected integers [${frames}] for frames but received ${describeArray(numbers)}`);
    frameNumbers = Float64Array.from({ length: frames }, (_, f) => Number(numbers.data[f]));
  }
  return { frames, points, landmarks: coordinates, frameNumbers };
}
