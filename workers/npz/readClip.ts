import type { ClipSource } from '../synthesis/recipe.js';
import { describeArray, readClipFile, refuseClip } from './readClipFile.js';
import { MOST_FRAMES, readLandmarks, type StoredLandmarks } from './readLandmarks.js';
import type { NpzLimits, ReadNpzOptions } from './readNpz.js';

/** A clip as it lies on disk. */
export type StoredClip = StoredLandmarks & {
  id: string;
  height: number;
  width: number;
  /** RGB `[F, H, W, 3]`. */
  pixels: Uint8Array;
};

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
  const fail = (reason: string): never => refuseClip(source, reason);
  // One after the other: when the first fails, no read of the second is left running.
  const face = await readLandmarks(source, limits);
  const arrays = await readClipFile(source, 'crops', { names: ['crops'], limits, ...(allocate && { allocate }) });
  const crops = arrays.get('crops');
  if (!crops) return fail(`crops file ${source.crops}: expected an array 'crops' but there is none`);
  if (crops.dtype !== 'uint8' || crops.shape.length !== 4 || crops.shape[3] !== 3)
    return fail(`expected uint8 [F, H, W, 3] for crops but received ${describeArray(crops)}`);
  const [frames, height, width] = crops.shape as [number, number, number];
  if (frames === 0 || height === 0 || width === 0) return fail(`crops is empty: ${describeArray(crops)}`);
  if (frames > MOST_FRAMES) return fail(`expected at most ${MOST_FRAMES} frames but received ${frames}`);
  if (face.frames !== frames) return fail(`expected landmarks for ${frames} frames but received ${face.frames}`);
  return { id: source.id, ...face, height, width, pixels: crops.data as Uint8Array };
}
