import type { StoredClip } from '../npz/readClip.js';
import { type CuttingOptions, cutWindows } from '../synthesis/cutClips.js';
import { SampleError } from '../synthesis/sampleError.js';
import {
  type FaceModels,
  type PreprocessedFace,
  type PreprocessedVideo,
  type PreprocessOptions,
  preprocessVideo,
} from './preprocessVideo.js';

export type VideoClipsTask = {
  readonly source: { readonly id: string };
  readonly path: string;
  readonly models: FaceModels;
  /** Most clips of each face, one after another in the video. */
  readonly clips: number;
  /** Frame layout and margins of the network that will judge them. */
  readonly cutting: Omit<CuttingOptions, 'clips'>;
  /** How faces are found and cut, but for runs and frames, which follow from the two above. */
  readonly finding: Omit<PreprocessOptions, 'runs' | 'frames'>;
};

/** A stretch of contiguous frames of a clip: seconds from the video's first frame to the end of the last one. */
export type ClipSegment = { frame: number; from: number; to: number };

export type FaceClips = {
  /** Runs of frames in which the face was followed; a clip takes `num_segments` of them. */
  runs: number;
  /** In order of time, none of them sharing a frame with another; empty where the face was seen too briefly. */
  clips: { segments: ClipSegment[] }[];
  /** Side that the face with its margin takes in the video, pixels, median over the runs. */
  side: number;
  /** How sure the face detector was that it is one, 0 to 1, median over the runs. */
  certainty: number;
};

export type VideoClips = Pick<PreprocessedVideo, 'video' | 'passed'> & {
  /** RGB `[n, T, H, W, 3]`: the clips of all faces, one face after another. */
  bytes: Uint8Array;
  /** Of one clip: `[T, H, W, 3]`. */
  shape: [number, number, number, number];
  /** The main face first. */
  faces: FaceClips[];
};

/**
 * From a video file to clips that a network can judge: finds and follows faces as `preprocessVideo`, and cuts as
 * `cutClips`, but each clip from a part of the video of its own, so that it has a place in time.
 *
 * @throws SampleError as `preprocessVideo`; its stage is FIND_FACES where nobody is to be seen
 */
export async function videoClips(task: VideoClipsTask): Promise<VideoClips> {
  const { source, path, models, clips: most, cutting, finding } = task;
  const { img_size: size, num_segments: segments, frames_per_segment: length } = cutting;
  const made = await preprocessVideo({
    ...{ source, path, models },
    options: { ...finding, runs: most * segments, frames: length },
  });
  const { video, passed } = made;
  const pass = (reason: string) => {
    passed[reason] = (passed[reason] ?? 0) + 1;
  };
  const frameDuration = video.rate > 0 ? 1 / video.rate : 0;
  const clipBytes = segments * length * size * size * 3;
  const parts = made.faces.map(({ runs }) => partsOf(runs, segments, most));
  const bytes = new Uint8Array(parts.flat().length * clipBytes);
  const faces: FaceClips[] = [];
  let [taken, from] = [0, 0];
  for (const [at, face] of made.faces.entries()) {
    const stored = storedClip(source.id, made, face, from);
    from += stored.pixels.length;
    const clips: FaceClips['clips'] = [];
    for (const runs of parts[at]!) {
      const starts = runs.map((run) => run * length);
      try {
        await cutWindows(stored, starts, cutting, bytes.subarray(taken * clipBytes, (taken + 1) * clipBytes));
      } catch (error) {
        if (!(error instanceof SampleError)) throw error;
        pass(error.reason);
        continue;
      }
      taken++;
      clips.push({
        segments: starts.map((start) => ({
          frame: face.frames[start]!,
          from: face.seconds[start]!,
          to: face.seconds[start + length - 1]! + frameDuration,
        })),
      });
    }
    const side = median(face.margined);
    faces.push({ runs: face.runs, clips, side, certainty: median(face.certainties) });
  }
  return {
    ...{ video, passed, faces },
    bytes: taken * clipBytes === bytes.length ? bytes : bytes.slice(0, taken * clipBytes),
    shape: [segments * length, size, size, 3],
  };
}

/**
 * Shares `runs` runs, in order of time, out to clips of `segments` neighbouring runs each: at most `most` clips, as many
 * as there are runs for. Runs that are left over are spread over the whole.
 */
export function partsOf(runs: number, segments: number, most: number): number[][] {
  const clips = Math.min(most, Math.floor(runs / segments));
  const used = clips * segments;
  const chosen = Array.from({ length: used }, (_, i) => Math.floor(((i + 0.5) * runs) / used));
  return Array.from({ length: clips }, (_, clip) => chosen.slice(clip * segments, (clip + 1) * segments));
}

function storedClip(
  id: string,
  { bytes, size }: PreprocessedVideo,
  { frames, landmarks }: PreprocessedFace,
  from: number,
): StoredClip {
  const pixels = bytes.subarray(from, from + frames.length * size * size * 3);
  const points = landmarks.length / frames.length / 2;
  return {
    ...{ id, frames: frames.length, width: size, height: size, pixels },
    points: points === 81 ? 81 : 68,
    landmarks: Float64Array.from(landmarks),
    frameNumbers: Float64Array.from(frames),
  };
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
