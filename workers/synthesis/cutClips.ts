import { resizeTaps } from '../image/axisTaps.js';
import { wholeBox } from '../image/box.js';
import { laplacianVariance } from '../image/laplacianVariance.js';
import { resampleRgb } from '../image/resampleRgb.js';
import { readClip, type StoredClip } from '../npz/readClip.js';
import type { NpzLimits } from '../npz/readNpz.js';
import { keyedGenerator } from '../random/keyedGenerator.js';
import { Clip } from './clip.js';
import { evenWindows } from './evenWindows.js';
import { type ClipSource, RecipeError } from './recipe.js';
import { evaluationFraming, type SbiOptions } from './recipes.js';
import { SampleError } from './sampleError.js';
import type { StageParams } from './stage.js';
import { stageNamed } from './stageRegistry.js';
import { finalCrop, framedBox } from './stages/finalCrop.js';
import { framesInRuns, takeWindows, tooShort } from './stages/selectFrames.js';
import { Workspace } from './workspace.js';

export type CuttingOptions = {
  /** Evenly placed clips per video. */
  clips: number;
  /** Side of the finished frames, pixels. */
  img_size: number;
  num_segments: number;
  frames_per_segment: number;
  /** Margins as in training, see `RecipeOptions`. */
  sbi?: Partial<
    Pick<
      SbiOptions,
      | 'margin_side'
      | 'margin_top'
      | 'margin_bottom'
      | 'framing'
      | 'final_margin_eval'
      | 'final_margin_fraction'
      | 'square_side_eval'
    >
  >;
};

export type CuttingTask = { source: ClipSource; options: CuttingOptions; limits?: Partial<NpzLimits> };

/** Clips of one video, to be scored. */
export type CutClips = {
  id: string;
  /** Of one clip: `[T, H, W, 3]`. */
  shape: [number, number, number, number];
  /** RGB `[n, T, H, W, 3]`: the distinct ones of the evenly placed clips in order, then the middle one if it is none of them. */
  bytes: Uint8Array;
  /** How many of the clips, from the first, are the evenly placed ones: fewer than asked for where they coincide. */
  even: number;
  /** Which clip is the one in the middle of the video. */
  middle: number;
  /** Variance of the Laplacian of the finished frames, mean over the evenly placed clips: how sharp the video is. */
  sharpness: number;
};

/**
 * Cuts a video's clips for scoring: frames laid out as in training but evenly placed, no augmentation, one face box per
 * clip with the margin of validation. What training does to both members of a pair is done here, and nothing else.
 *
 * @throws SampleError for a video that cannot be read, is too short or shows no face where its landmarks say
 */
export async function cutClips({ source, options, limits }: CuttingTask): Promise<CutClips> {
  if (!Number.isInteger(options.clips) || options.clips < 1)
    throw new RecipeError(`Expected a positive whole number for clips but received ${options.clips}`);
  const memory = Workspace.borrow();
  try {
    const stored = await readClip(source, limits, (name, length) => memory.bytes(`npz ${name}`, length));
    return await cutStoredClips(stored, options);
  } finally {
    memory.giveBack();
  }
}

/** As `cutClips`, of a video that is in memory already. */
export async function cutStoredClips(stored: StoredClip, options: CuttingOptions): Promise<CutClips> {
  const { clips, img_size: size, num_segments, frames_per_segment } = options;
  const fail = (reason: string): never => {
    throw new SampleError(stored.id, 'select_frames', reason);
  };
  const runs = framesInRuns(stored, num_segments * frames_per_segment, fail);
  const windowsAt = (position: number): number[] =>
    evenWindows(runs, num_segments, frames_per_segment, position) ??
    fail(tooShort(runs, num_segments, frames_per_segment));
  const chosen: number[][] = [];
  /** Adds windows unless they are there already; their place. */
  const choose = (starts: number[]): number => {
    const same = chosen.findIndex((others) => others.every((start, i) => start === starts[i]));
    return same >= 0 ? same : chosen.push(starts) - 1;
  };
  for (let k = 0; k < clips; k++) choose(windowsAt((k + 0.5) / clips));
  const even = chosen.length;
  const middle = choose(windowsAt(0.5));

  const frames = num_segments * frames_per_segment;
  const frameBytes = size * size * 3;
  const clipBytes = frames * frameBytes;
  const bytes = new Uint8Array(chosen.length * clipBytes);
  for (const [at, starts] of chosen.entries())
    await cutWindows(stored, starts, options, bytes.subarray(at * clipBytes, (at + 1) * clipBytes));
  let sharpness = 0;
  for (let frame = 0; frame < even * frames; frame++)
    sharpness += laplacianVariance(bytes, frame * frameBytes, size, size) / (even * frames);
  return { id: stored.id, shape: [frames, size, size, 3], bytes, even, middle, sharpness };
}

/** One clip of the windows that begin at rows `starts` of `stored` into `out` `[T, size, size, 3]`, as `cutClips` makes it. */
export async function cutWindows(
  stored: StoredClip,
  starts: readonly number[],
  options: Omit<CuttingOptions, 'clips'>,
  out: Uint8Array,
): Promise<void> {
  const { img_size: size, frames_per_segment, sbi = {} } = options;
  const workspace = Workspace.borrow();
  try {
    const clip = new Clip(stored, workspace);
    takeWindows(clip, starts, frames_per_segment);
    const failIn = (stage: string) => (reason: string) => {
      throw new SampleError(stored.id, stage, reason);
    };
    // Nothing here depends on what is drawn; the key only has to be one.
    const random = keyedGenerator('cut', stored.id);
    const run = async (name: string, params: StageParams) => {
      const given = Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
      await stageNamed(name)
        .prepare(given)
        .run(clip, {
          random,
          workspace,
          trace: undefined,
          donors: [],
          count: () => {},
          fail: failIn(name),
          peek: () => null,
        });
    };
    await run('prepare_landmarks', {});
    await run('margin_crop', { side: sbi.margin_side, top: sbi.margin_top, bottom: sbi.margin_bottom });
    const framing = { ...finalCrop.defaults, ...evaluationFraming(sbi) };
    const box = framedBox(clip, size, framing, random, failIn('final_crop'));
    const columns = resizeTaps(box.x1 - box.x0, size, box.x0);
    const rows = resizeTaps(box.y1 - box.y0, size, box.y0);
    const frameBytes = size * size * 3;
    const whole = wholeBox(size, size);
    for (let t = 0; t < clip.frames; t++)
      resampleRgb(clip.target, t * clip.frameBytes, clip.width, out, t * frameBytes, size, columns, rows, whole);
  } finally {
    workspace.giveBack();
  }
}
