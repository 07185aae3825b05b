import type { ClipSource } from '../synthesis/recipe.js';
import { SampleError } from '../synthesis/sampleError.js';
import type { NpyArray } from './npyArray.js';
import { NpzError } from './npzError.js';
import { type NpzLimits, type ReadNpzOptions, readNpz } from './readNpz.js';

/** A clip as it lies on disk. */
export type StoredClip = {
  id: string;
  frames: number;
  height: number;
  width: number;
  /** RGB `[F, H, W, 3]`. */
  pixels: Uint8Array;
  /** Landmarks per frame: 68, or 81 with the forehead. */
  points: 68 | 81;
  /** (x, y) in pixels of the crop, `[F, points, 2]`. */
  landmarks: Float64Array;
  /** Frame numbers in the source video `[F]`, where the file has them. */
  frameNumbers: Float64Array | null;
};

/** Twenty minutes of video at 30 per second: landmarks, kept in double precision, must not outgrow the pixels. */
const MOST_FRAMES = 36_000;

/**
 * Reads a clip's two files and checks that they belong together.
 *
 * @param allocate memory for the pixels, see `readNpz`; default: new memory
 * @throws SampleError (stage `read`) that says which file and what about it
 */
export async function readClip(
  source: ClipSource,
  limits: Partial<NpzLimits> = {},
  allocate?: ReadNpzOptions['allocate'],
): Promise<StoredClip> {
  const fail = (reason: string, cause?: unknown): never => {
    throw new SampleError(source.id, 'read', reason, { cause });
  };
  const arraysOf = async (what: 'crops' | 'landmarks', names: string[]): Promise<Map<string, NpyArray>> => {
    const path = source[what];
    try {
      return await readNpz(path, { names, limits, ...(allocate && { allocate }) });
    } catch (error) {
      if (error instanceof NpzError) return fail(`${what} file ${path}: ${error.message}`, error);
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return fail(`${what} file ${path} does not exist`, error);
      if (code === undefined) throw error;
      return fail(`${what} file ${path} cannot be read (${message})`, error);
    }
  };
  // One after the other: when the first fails, no read of the second is left running.
  const landmarkArrays = await arraysOf('landmarks', ['landmarks', 'frames']);
  const crops = (await arraysOf('crops', ['crops'])).get('crops');
  const landmarks = landmarkArrays.get('landmarks');
  const numbers = landmarkArrays.get('frames');

  if (!crops) return fail(`crops file ${source.crops}: expected an array 'crops' but there is none`);
  if (!landmarks) return fail(`landmarks file ${source.landmarks}: expected an array 'landmarks' but there is none`);
  if (crops.dtype !== 'uint8' || crops.shape.length !== 4 || crops.shape[3] !== 3)
    return fail(`expected uint8 [F, H, W, 3] for crops but received ${describe(crops)}`);
  const [frames, height, width] = crops.shape as [number, number, number];
  if (frames === 0 || height === 0 || width === 0) return fail(`crops is empty: ${describe(crops)}`);
  if (frames > MOST_FRAMES) return fail(`expected at most ${MOST_FRAMES} frames but received ${frames}`);
  const points = landmarks.shape[1];
  if (!landmarks.dtype.startsWith('float') && !/^u?int(8|16|32)$/.test(landmarks.dtype))
    return fail(`expected float32 [F, 68 or 81, 2] for landmarks but received ${describe(landmarks)}`);
  if (landmarks.shape.length !== 3 || landmarks.shape[2] !== 2 || (points !== 68 && points !== 81))
    return fail(`expected float32 [F, 68 or 81, 2] for landmarks but received ${describe(landmarks)}`);
  if (landmarks.shape[0] !== frames)
    return fail(`expected landmarks for ${frames} frames but received ${landmarks.shape[0]}`);
  const coordinates = new Float64Array(landmarks.data as Float64Array);
  const bad = coordinates.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const [frame, point] = [Math.floor(bad / (2 * points)), Math.floor(bad / 2) % points];
    return fail(`expected finite landmarks but received ${coordinates[bad]} at frame ${frame}, point ${point}`);
  }
  let frameNumbers: Float64Array | null = null;
  if (numbers) {
    if (numbers.shape.length !== 1 || numbers.shape[0] !== frames || !/int/.test(numbers.dtype))
      return fail(`expected integers [${frames}] for frames but received ${describe(numbers)}`);
    frameNumbers = new Float64Array(frames);
    for (let f = 0; f < frames; f++) frameNumbers[f] = Number(numbers.data[f]);
  }
  return {
    id: source.id,
    frames,
    height,
    width,
    pixels: crops.data as Uint8Array,
    points,
    landmarks: coordinates,
    frameNumbers,
  };
}

const describe = (array: NpyArray): string => `${array.dtype} [${array.shape.join(', ')}]`;
