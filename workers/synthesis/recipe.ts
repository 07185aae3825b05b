import type { NpzLimits } from '../npz/readNpz.js';

/** One step of a recipe: the stage's name and the parameters that differ from its defaults. */
export type StageSpec = { stage: string; params: Record<string, unknown> };

/** What is done to a clip, as plain data: it travels to the workers and is stored with recorded batches. */
export type Recipe = { stages: StageSpec[] };

/** Where a clip lies: paths of its two npz files. */
export type ClipSource = { id: string; crops: string; landmarks: string };

/** Which sample it is. Validation uses epoch -1, so that it never meets a training sample's numbers. */
export type SampleKey = { seed: number; epoch: number; position: number };

/** Which clips give the frames of a mixed sample beside the sample's own. */
export type FrameMix<Source = ClipSource> = {
  /** Frames of the sample; its own clip gives the first. */
  frames: number;
  /** Asked in this order until there are enough frames: those that cannot be used are passed over. */
  companions: readonly Source[];
};

/** The clips that a task reads beside its own, each told by what a `Source` is. */
export type OtherSources<Source = ClipSource> = {
  /** For a sample of single frames of many clips: the recipe then makes one frame of each. */
  mix?: FrameMix<Source>;
  /** Clips of which one may give its face to the fake (stage `exchange`); of a mixed sample, to any of its frames. */
  donors?: readonly Source[];
};

export type SynthesisTask = OtherSources & {
  source: ClipSource;
  key: SampleKey;
  recipe: Recipe;
  /** Bounds on what is read; `DEFAULT_NPZ_LIMITS` where left out. */
  limits?: Partial<NpzLimits>;
};

/** A real clip and the fake made from it. */
export type ClipPair = {
  id: string;
  /** Of one member: `[T, H, W, 3]`. */
  shape: [number, number, number, number];
  /** `[2, T, H, W, 3]` RGB: the real member, then the fake. */
  bytes: Uint8Array;
  /** Wall-clock milliseconds per stage, `read` included. */
  stageMs: Record<string, number>;
  /** What happened while it was made: `source_transformed`, `mask_redraws`, `jpeg` and such. */
  counters: Record<string, number>;
};

/** A recipe that cannot be followed: an unknown stage or parameter. A mistake of the caller, never of a sample. */
export class RecipeError extends Error {
  override readonly name = 'RecipeError';
}
