import type { Random } from '../../workers/random/keyedGenerator.js';
import type { Pose } from './camera.js';
import type { Expression } from './headSurface.js';

/** What a person does in a video, frame by frame. */
export type Performance = { readonly poses: readonly Pose[]; readonly expressions: readonly Expression[] };

/** Frames a second of the imagined camera. */
const FRAME_RATE = 25;

/** Draws head motion, speech, blinks, glances and brows for a whole video. */
export function drawPerformance(random: Random, frames: number): Performance {
  const liveliness = random.between(0.35, 1);
  const bias = { yaw: random.normal(0, 0.13), pitch: random.normal(-0.02, 0.05), roll: random.normal(0, 0.04) };
  const wander = (spread: number, seconds: number) =>
    wandering(random, frames, seconds * FRAME_RATE, spread * liveliness);
  const yaw = wander(0.15, 1.3);
  const pitch = wander(0.07, 0.9);
  const roll = wander(0.06, 1.2);
  const x = wander(6, 1.4);
  const y = wander(3.5, 1.1);
  const z = wander(10, 2);
  const shake = [0, 1, 2].map(() => wandering(random, frames, 4, 0.25));
  const speech = speaking(random, frames);
  const wide = wandering(random, frames, 5, 0.55);
  const mood = random.between(-0.15, 0.45);
  const smile = wandering(random, frames, 40, 0.35);
  const blink = blinking(random, frames);
  const brow = wandering(random, frames, 18, 1.7);
  const gaze = glancing(random, frames);
  const limit = (value: number, bound: number) => Math.max(-bound, Math.min(bound, value));
  const poses: Pose[] = [];
  const expressions: Expression[] = [];
  for (let t = 0; t < frames; t++) {
    poses.push({
      yaw: limit(bias.yaw + yaw[t]!, 0.36),
      pitch: limit(bias.pitch + pitch[t]!, 0.2),
      roll: limit(bias.roll + roll[t]!, 0.18),
      x: limit(x[t]!, 14) + shake[0]![t]!,
      y: limit(y[t]!, 9) + shake[1]![t]!,
      z: limit(z[t]!, 25) + shake[2]![t]!,
    });
    expressions.push({
      jaw: speech[t]!,
      wide: limit(wide[t]!, 1) * Math.min(1, 0.25 + speech[t]! / 6),
      smile: limit(mood + smile[t]!, 1),
      blink: blink[t]!,
      gazeX: gaze.x[t]! - 0.6 * limit(bias.yaw + yaw[t]!, 0.36),
      gazeY: gaze.y[t]! - 0.5 * limit(bias.pitch + pitch[t]!, 0.2),
      brow: limit(brow[t]!, 4),
    });
  }
  return { poses, expressions };
}

/** A smooth random course around 0: normal draws every `period` frames, joined by a cubic. */
function wandering(random: Random, frames: number, period: number, spread: number): Float64Array {
  const phase = random.uniform();
  const knots = Array.from({ length: Math.ceil(frames / period) + 5 }, () => random.normal(0, spread));
  return Float64Array.from({ length: frames }, (_, t) => {
    const position = t / period + phase + 1;
    const i = Math.floor(position);
    const f = position - i;
    const [a, b, c, d] = [knots[i - 1]!, knots[i]!, knots[i + 1]!, knots[i + 2]!];
    return b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)));
  });
}

/** Millimetres that the lips are apart: syllables of four to six a second, in phrases with rests between. */
function speaking(random: Random, frames: number): Float64Array {
  const opening = new Float64Array(frames);
  const loudness = random.between(0.7, 1.25);
  let t = -random.integer(0, 10);
  while (t < frames) {
    const syllables = random.integer(4, 12);
    for (let s = 0; s < syllables; s++) {
      const length = random.integer(4, 7);
      const height = loudness * random.between(3, 15);
      for (let k = 0; k <= length; k++) {
        const at = t + k;
        if (at >= 0 && at < frames)
          opening[at] = Math.max(opening[at]!, height * Math.sin((Math.PI * k) / length) ** 1.3);
      }
      t += length - 1;
    }
    t += random.integer(6, 22);
  }
  return opening;
}

/** Lids: shut within two frames, open again over three or four, every one to four seconds. */
function blinking(random: Random, frames: number): Float64Array {
  const course = [0.45, 1, 0.85, 0.5, 0.2, 0.05];
  const lids = new Float64Array(frames);
  for (let t = random.integer(2, 40); t < frames; t += random.integer(FRAME_RATE, 4 * FRAME_RATE)) {
    course.forEach((value, k) => {
      if (t + k < frames) lids[t + k] = value;
    });
  }
  return lids;
}

/** Glances: the eyes rest on a point, then jump. */
function glancing(random: Random, frames: number): { x: Float64Array; y: Float64Array } {
  const x = new Float64Array(frames);
  const y = new Float64Array(frames);
  let t = 0;
  while (t < frames) {
    const end = t + random.integer(10, 45);
    const [gx, gy] = random.chance(0.6) ? [0, 0] : [random.normal(0, 0.16), random.normal(0, 0.07)];
    for (; t < Math.min(frames, end); t++) {
      x[t] = gx;
      y[t] = gy;
    }
  }
  return { x, y };
}
