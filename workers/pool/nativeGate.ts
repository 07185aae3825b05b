import { setTimeout as pause } from 'node:timers/promises';
import { CLOSED, CLOSING, INSIDE, OUTSIDE } from './nativeSection.js';

/** A thread that stays in native code for so long hangs there; it is then ended come what may. */
const LIMIT_MS = 30_000;
const EXIT_LIMIT_MS = 5_000;
const POLL_MS = 2;

/**
 * The owner's side of `nativeSection`: keeps it from ending a thread that is at work in a native library. Such a
 * library finds every call into JavaScript refused all of a sudden, and those built on node-addon-api answer by aborting
 * the whole process (nodejs/node-addon-api#975).
 */
export class NativeGate {
  static readonly #open = new Set<NativeGate>();
  static #guardsExit = false;

  /** To be handed to the thread's `guardNativeSections`. */
  readonly shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #state = new Int32Array(this.shared);

  constructor() {
    NativeGate.#open.add(this);
    if (NativeGate.#guardsExit) return;
    NativeGate.#guardsExit = true;
    process.on('exit', closeAllAtExit);
  }

  /** Waits until the thread is outside of native code and cannot enter it any more: now it may be ended. */
  async close(limitMs = LIMIT_MS): Promise<void> {
    const end = performance.now() + limitMs;
    this.#request();
    while (!this.#closed && performance.now() < end) await pause(POLL_MS);
    NativeGate.#open.delete(this);
  }

  /** The thread is gone already, wherever it was. */
  abandon(): void {
    Atomics.store(this.#state, 0, CLOSED);
    NativeGate.#open.delete(this);
  }

  /** `process.exit` ends threads wherever they are; nothing asynchronous happens any more, so this waits in place. */
  static closeAll(limitMs: number): void {
    const end = performance.now() + limitMs;
    for (const gate of NativeGate.#open) gate.#request();
    for (const gate of NativeGate.#open) Atomics.wait(gate.#state, 0, CLOSING, Math.max(0, end - performance.now()));
  }

  get #closed(): boolean {
    return Atomics.load(this.#state, 0) === CLOSED;
  }

  /** Closes the gate behind a thread that is outside; one that is inside closes it when it comes out. */
  #request(): void {
    if (Atomics.compareExchange(this.#state, 0, OUTSIDE, CLOSED) !== INSIDE) return;
    // It may just have come out.
    if (Atomics.compareExchange(this.#state, 0, INSIDE, CLOSING) === OUTSIDE) this.#request();
  }
}

const closeAllAtExit = (): void => NativeGate.closeAll(EXIT_LIMIT_MS);
