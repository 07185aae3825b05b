import { type Box, growBox } from './box.js';
import { MIX_BITS, mixNeighbours } from './mixNeighbours.js';

/** A change of focus: so often is the mean of 3x3 pixels mixed in, with this share each time; negative shares sharpen. */
export type Focus = { passes: number; share: number };

/** Variance along an axis of the mean over three pixels, pixels². */
const MEAN_VARIANCE = 2 / 3;

/**
 * Softer by `sigma` pixels, as a lens or a scaling in between would: repeated means tend to a Gaussian of that standard
 * deviation. As few passes as have the variance.
 */
export function softFocus(sigma: number): Focus {
  const variance = sigma ** 2;
  const passes = Math.ceil(variance / MEAN_VARIANCE);
  return { passes, share: passes === 0 ? 0 : variance / (passes * MEAN_VARIANCE) };
}

/** Sharper: `amount` times the difference from the 3x3 mean is added (an unsharp mask). Brightness stays. */
export const sharpFocus = (amount: number): Focus => ({ passes: 1, share: -amount });

/**
 * Changes the focus of `box` of one RGB frame.
 *
 * @param frame `[height, width, 3]` from `offset`, replaced inside `box`; what lies up to `passes` pixels around it is
 *   read
 * @param spares two buffers of a frame's size
 */
export function refocus(
  frame: Uint8Array,
  offset: number,
  width: number,
  height: number,
  box: Box,
  { passes, share }: Focus,
  spares: readonly [Uint8Array, Uint8Array],
): void {
  const around = Math.round((-share / 9) * (1 << MIX_BITS));
  const own = (1 << MIX_BITS) + 9 * around;
  let from = frame;
  let fromOffset = offset;
  for (let pass = 1; pass <= passes; pass++) {
    const to = spares[pass % 2]!;
    const reached = growBox(box, passes - pass, width, height);
    mixNeighbours(from, fromOffset, to, 0, width, height, reached, own, around);
    from = to;
    fromOffset = 0;
  }
  if (passes === 0) return;
  for (let y = box.y0; y < box.y1; y++) {
    const first = (y * width + box.x0) * 3;
    frame.set(from.subarray(first, (y * width + box.x1) * 3), offset + first);
  }
}
