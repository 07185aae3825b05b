import type { Random } from '../../random/keyedGenerator.js';

/** How the steps of a multi-scale drift are distributed over time. */
export const DRIFT_PROFILES = ['smooth', 'jittery', 'accelerating', 'oscillating'] as const;
export type DriftProfile = (typeof DRIFT_PROFILES)[number];

/** Standard deviation of a smooth step, in steps. */
const SMOOTH_DEVIATION = 0.5;
/** Pixels at 224: the least standard deviation of an accelerating step, so that it does not begin at rest. */
const LEAST_DEVIATION = 0.1;
/** Periods of an oscillating drift in one clip, drawn once. */
const PERIODS = [0.5, 3] as const;
/** Standard deviation of what an oscillating step adds to its circle, in steps. */
const OSCILLATION_NOISE = 0.2;
/** Positions are cut to this fraction of a pixel: `sin` and `cos` differ in their last bit between versions of V8. */
const GRID = 2 ** 16;

/**
 * Displacement (x, y) per frame `[T, 2]`, the first frame in place: a uniform step of at most `maxStep` per axis and
 * frame, never farther than `max` along either axis (drift of STF-Mamba 7.3).
 */
export function brownianPath(frames: number, maxStep: number, max: number, random: Random): Float64Array {
  const path = new Float64Array(frames * 2);
  const clamp = (v: number): number => Math.min(max, Math.max(-max, v));
  for (let i = 2; i < path.length; i++) path[i] = clamp(path[i - 2]! + random.between(-maxStep, maxStep));
  return path;
}

/** Log-uniform in [least, most): as many clips drift by half a pixel a frame as by several. */
export function drawStep([least, most]: readonly number[], random: Random): number {
  const share = random.uniform();
  return least === most ? least! : Math.exp(Math.log(least!) + share * (Math.log(most!) - Math.log(least!)));
}

/**
 * Displacement (x, y) per frame `[T, 2]`, the first frame in place, as a walk of steps of about `step` pixels that never
 * goes farther than `max` from its place. Steps at frame t of T, per axis:
 * smooth N(0, step / 2); jittery U(-step, step); accelerating N(0, max(0.1, step t / T)); oscillating
 * step sin(2 pi f t / T) along x and cos along y, each plus N(0, 0.2 step), f drawn once.
 */
export function multiScalePath(
  frames: number,
  profile: DriftProfile,
  step: number,
  max: number,
  random: Random,
): Float64Array {
  const path = new Float64Array(frames * 2);
  const periods = random.between(...PERIODS);
  const stepAt = (t: number): [number, number] => {
    if (profile === 'jittery') return [random.between(-step, step), random.between(-step, step)];
    if (profile === 'oscillating') {
      const phase = (2 * Math.PI * periods * t) / frames;
      const noise = OSCILLATION_NOISE * step;
      return [step * Math.sin(phase) + random.normal(0, noise), step * Math.cos(phase) + random.normal(0, noise)];
    }
    const deviation = profile === 'smooth' ? SMOOTH_DEVIATION * step : Math.max(LEAST_DEVIATION, (step * t) / frames);
    return [random.normal(0, deviation), random.normal(0, deviation)];
  };
  for (let t = 1; t < frames; t++) {
    const [dx, dy] = stepAt(t);
    const x = path[2 * t - 2]! + dx;
    const y = path[2 * t - 1]! + dy;
    const length = Math.sqrt(x * x + y * y);
    const share = length > max ? max / length : 1;
    path[2 * t] = Math.trunc(x * share * GRID) / GRID;
    path[2 * t + 1] = Math.trunc(y * share * GRID) / GRID;
  }
  return path;
}
