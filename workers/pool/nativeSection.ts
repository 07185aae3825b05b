/** States of a gate (see NativeGate): where the thread is, and whether it is to come out and stay outside. */
export const OUTSIDE = 0;
export const INSIDE = 1;
export const CLOSING = 2;
export const CLOSED = 3;

let gate: Int32Array | null = null;
let depth = 0;

/** Called once, at the start of a thread that its owner may end at any time, before any native library is loaded. */
export function guardNativeSections(shared: SharedArrayBuffer): void {
  gate = new Int32Array(shared);
}

/**
 * Does work in which a native library is called or loaded; the thread is not ended before it is done. Short pieces, so
 * that an ending does not wait for long. In threads without a gate, the main one among them, nothing is guarded.
 */
export function nativeSection<T>(work: () => T): T {
  enter();
  let result: T;
  try {
    result = work();
  } catch (error) {
    leave();
    throw error;
  }
  if (result instanceof Promise) return result.finally(leave) as T;
  leave();
  return result;
}

function enter(): void {
  if (!gate || depth++ > 0) return;
  if (Atomics.compareExchange(gate, 0, OUTSIDE, INSIDE) === CLOSED) awaitEnd(gate);
}

function leave(): void {
  if (!gate || --depth > 0) return;
  if (Atomics.compareExchange(gate, 0, INSIDE, OUTSIDE) === INSIDE) return;
  Atomics.store(gate, 0, CLOSED);
  Atomics.notify(gate, 0);
  awaitEnd(gate);
}

/** There is nothing left to do but to be ended, which also ends the wait. */
function awaitEnd(closed: Int32Array): void {
  Atomics.wait(closed, 0, CLOSED);
}
