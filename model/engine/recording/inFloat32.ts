import * as tf from '@tensorflow/tfjs';

let needed = false;

/** Whether what is being computed stays in float32, also in a step that narrows its products. */
export const float32Needed = (): boolean => needed;

/**
 * Computes `body` in float32, and later its gradient, also where a recorded step narrows matrix products and
 * convolutions: for sums that are written as products, and for what bfloat16's eight digits would spoil.
 */
export function inFloat32<Result>(body: () => Result): Result {
  const tape = tf.engine().state.activeTape;
  const begin = tape?.length ?? 0;
  const result = exactly(body);
  // The gradients of plain operations run much later, when tfjs walks its tape back.
  for (const node of tape?.slice(begin) ?? []) {
    const { gradient } = node;
    if (!gradient) continue;
    node.gradient = (dys) => {
      const parts = Object.entries(exactly(() => gradient(dys)));
      return Object.fromEntries(parts.map(([name, part]) => [name, () => exactly(part)]));
    };
  }
  return result;
}

function exactly<Result>(body: () => Result): Result {
  const outer = needed;
  needed = true;
  try {
    return body();
  } finally {
    needed = outer;
  }
}
