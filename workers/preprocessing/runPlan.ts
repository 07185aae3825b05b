/** Rounds of attempts after the first; each is as many as runs are wanted. */
const ROUNDS = 4;

/**
 * Where runs may begin: first the middles of equal parts of the video, then places between them, each moved to the
 * nearest keyframe within reach, where decoding begins at no cost. No more runs than fit with a frame between them.
 *
 * @returns rounds of first frames, rising in each
 */
export function runPlan(frames: number, keyframes: ArrayLike<number>, wanted: number, length: number): number[][] {
  const last = frames - length;
  if (last < 0) return [];
  const runs = Math.min(wanted, Math.floor((frames + 1) / (length + 1)));
  const part = frames / runs;
  const reach = Math.max(0, Math.floor((part - length) / 2));
  return Array.from({ length: ROUNDS }, (_, round) => {
    // 0, then a half, a quarter, three quarters of a part further.
    const shift = [0, 0.5, 0.25, 0.75][round]!;
    const starts = Array.from({ length: runs }, (__, run) => {
      const middle = Math.round((run + shift) * part + (part - length) / 2);
      const place = Math.min(last, Math.max(0, middle > last + part / 2 ? middle - frames : middle));
      return round === 0 ? nearKeyframe(place, keyframes, reach, last) : place;
    });
    return [...new Set(starts)].sort((a, b) => a - b);
  });
}

function nearKeyframe(place: number, keyframes: ArrayLike<number>, reach: number, last: number): number {
  let best = place;
  let distance = reach + 1;
  for (let i = 0; i < keyframes.length; i++) {
    const key = keyframes[i]!;
    if (key <= last && Math.abs(key - place) < distance) {
      distance = Math.abs(key - place);
      best = key;
    }
  }
  return best;
}
