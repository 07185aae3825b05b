import { keyedGenerator } from '../../workers/random/keyedGenerator.js';
import { drawPerformance } from './performance.js';
import { develop, drawSensor } from './sensor.js';
import { TalkingHead } from './talkingHead.js';

/** Which clip to draw: the seed of the data set, the person, and which of the person's videos. */
export type ClipKey = { readonly seed: number; readonly person: number; readonly video: number };

export type ClipFormat = {
  /** Side of the square pictures in pixels. */
  readonly size: number;
  /** Runs of contiguous frames, and frames in each. */
  readonly runs: number;
  readonly runLength: number;
};

export type RenderedClip = {
  /** RGB `[F, size, size, 3]`. */
  readonly crops: Uint8Array;
  /** (x, y) in pixels of the crop, pixel centres at whole numbers, `[F, 81, 2]`. */
  readonly landmarks: Float32Array;
  /** Frame numbers in the imagined video `[F]`. */
  readonly frames: Int32Array;
};

/** Frames of the video left out between two runs. */
const GAP = 19;

/** Draws a clip: a pure function of its key and format. */
export function renderClip(key: ClipKey, format: ClipFormat): RenderedClip {
  const { size, runs, runLength } = format;
  const person = ['demo', key.seed, key.person];
  const video = [...person, 'video', key.video];
  const head = new TalkingHead(person, video, size);
  const { poses, expressions } = drawPerformance(keyedGenerator(...video, 'performance'), runs * (runLength + GAP));
  const sensor = drawSensor(keyedGenerator(...video, 'sensor'), head.identity.skin.tone);
  const noise = keyedGenerator(...video, 'noise');

  const count = runs * runLength;
  const pixels = size * size * 3;
  const clip = {
    crops: new Uint8Array(count * pixels),
    landmarks: new Float32Array(count * 81 * 2),
    frames: new Int32Array(count),
  };
  const light = new Float32Array(head.largeSide ** 2 * 3);
  for (let f = 0; f < count; f++) {
    const t = Math.floor(f / runLength) * (runLength + GAP) + (f % runLength);
    clip.frames[f] = t;
    head.draw(poses[t]!, expressions[t]!, light, clip.landmarks.subarray(f * 162, (f + 1) * 162));
    develop(light, head.largeSide, size, sensor, noise, clip.crops.subarray(f * pixels, (f + 1) * pixels));
  }
  return clip;
}
