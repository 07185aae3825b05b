import { readClip } from '../npz/readClip.js';
import type { NpzLimits } from '../npz/readNpz.js';
import type { ClipSource } from '../synthesis/recipe.js';
import { SampleError } from '../synthesis/sampleError.js';
import { contiguousRuns } from '../synthesis/stages/selectFrames.js';
import { Workspace } from '../synthesis/workspace.js';
import { type LandmarkVerdict, landmarkSpace } from './landmarkSpace.js';

export type InspectionTask = { source: ClipSource; limits?: Partial<NpzLimits> };

/** What there is to know about a clip's two files without making a sample of them. Plain data. */
export type ClipInspection = { id: string } & (
  | { readable: false; reason: string }
  | {
      readable: true;
      /** Of the crops, `[F, H, W, 3]`. */
      shape: [number, number, number, number];
      points: 68 | 81;
      /** Whether the file has frame numbers; without them all frames count as one run. */
      numbered: boolean;
      /** Lengths of the runs of contiguous frames. */
      runs: number[];
      landmarks: LandmarkVerdict;
    }
);

/** Reads every byte of both files, checksums included, as training would. A clip that cannot be read is an answer. */
export async function inspectClip({ source, limits }: InspectionTask): Promise<ClipInspection> {
  const memory = Workspace.borrow();
  try {
    const clip = await readClip(source, limits, (name, length) => memory.bytes(`npz ${name}`, length));
    const { id, frames, height, width, points, frameNumbers } = clip;
    return {
      id,
      readable: true,
      shape: [frames, height, width, 3],
      points,
      numbered: frameNumbers !== null,
      runs: contiguousRuns(frameNumbers, frames).map(({ length }) => length),
      landmarks: landmarkSpace(clip),
    };
  } catch (error) {
    if (!(error instanceof SampleError)) throw error;
    return { id: source.id, readable: false, reason: error.reason };
  } finally {
    memory.giveBack();
  }
}
