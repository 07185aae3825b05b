import type { Random } from '../../random/keyedGenerator.js';
import type { Clip } from '../clip.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';

export type FrameRateParams = {
  prob: number;
  /** Of the changed clips, the share whose frames are duplicated; from the others frames are dropped. */
  duplicate_prob: number;
  /** Stored frames per frame of the clip, where frames are duplicated. */
  slow: number[];
  /** The same, where frames are dropped. */
  fast: number[];
};

/**
 * Gives both members the frame rate of another camera or of a careless transcoder: frame t of a segment becomes its
 * frame floor(t rate), one rate for the clip. The members stay paired frame by frame, so the rate is no label.
 *
 * The choice is made early: `select_frames` peeks at it and takes windows as long as the rate needs, so that no frame is
 * blended in vain. Where the clip has no runs of that length it keeps its rate and `frame_rate_short` is counted.
 */
export const frameRate: Stage<FrameRateParams> = {
  name: 'frame_rate',
  defaults: { prob: 0, duplicate_prob: 0.5, slow: [0.5, 1], fast: [1, 2] },
  apply(clip, _params, { workspace, count }) {
    const map = clip.rateMap;
    if (!map) return;
    if (!clip.fake) throw new RecipeError('frame_rate has to come after blend');
    count(map[map.length - 1]! < map.length - 1 ? 'frame_rate_duplicated' : 'frame_rate_dropped');
    const length = clip.frames / clip.segments;
    const order = Int32Array.from(
      { length: clip.segments * map.length },
      (_, t) => Math.floor(t / map.length) * length + map[t % map.length]!,
    );
    const { target, fake, frameBytes } = clip;
    clip.target = gather(target, workspace.bytes('retimed target', order.length * frameBytes), order, frameBytes);
    clip.fake = gather(fake, workspace.bytes('retimed fake', order.length * frameBytes), order, frameBytes);
    clip.landmarks = gather(clip.landmarks, new Float64Array(order.length * clip.points * 2), order, clip.points * 2);
    retime(clip, order);
  },
};

/** Rate of the clip in stored frames per frame; 1 for no change. Every number is drawn whether it is used or not. */
export function drawRate({ prob, duplicate_prob, slow, fast }: FrameRateParams, random: Random): number {
  const changes = random.chance(prob);
  const duplicates = random.chance(duplicate_prob);
  const rates = [random.between(slow[0]!, slow[1]!), random.between(fast[0]!, fast[1]!)] as const;
  return changes ? rates[duplicates ? 0 : 1] : 1;
}

/** For each of a segment's `length` frames the one it shows: floor(t rate). */
export const rateMap = (length: number, rate: number): Int32Array =>
  Int32Array.from({ length }, (_, t) => Math.floor(t * rate));

function gather<A extends Uint8Array | Float64Array>(from: A, to: A, order: Int32Array, size: number): A {
  order.forEach((frame, t) => {
    to.set(from.subarray(frame * size, (frame + 1) * size), t * size);
  });
  return to;
}

/** Everything else that is kept per frame. */
function retime(clip: Clip, order: Int32Array): void {
  const { frameIndex, difference } = clip;
  clip.frameIndex = order.map((frame) => frameIndex[frame]!);
  clip.difference = difference && Array.from(order, (frame) => difference[frame]!);
  clip.forgetBlend();
  clip.rateMap = null;
}
