import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, monotonicClock } from './clock.js';

export type PatienceOptions = {
  /** Whether an error may pass by itself, or by somebody's doing: a full disk, a network volume that is away. */
  isTransient: (error: unknown) => boolean;
  /** How long to go on trying. */
  limitMs: number;
  /** Pause between two attempts. Default 2 s. */
  everyMs?: number;
  /** Told when waiting begins, once however many wait, and when it has helped. */
  onWait?: (error: unknown) => void;
  onBack?: (waitedMs: number) => void;
  /** Ends the waiting: the error is then thrown as it came. */
  signal?: AbortSignal;
  clock?: Clock;
};

/**
 * Tries things again that fail for a reason that may pass. All that share a Patience wait together, and once it has run
 * out nothing waits any more, so that what is left to do at the end fails at once.
 *
 * @example
 * const patience = new Patience({ isTransient: isDiskFull, limitMs: 600_000, onWait: (error) => warn(error.message) });
 * await patience.retry(() => save(checkpoint));
 */
export class Patience {
  /** When the waiting began, and how many wait. */
  #since = 0;
  #waiting = 0;
  #exhausted = false;

  constructor(private readonly options: PatienceOptions) {}

  /** Whether it has run out. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** @throws the work's own error, when it is not transient or the limit is reached. */
  async retry<T>(work: () => Promise<T>): Promise<T> {
    const { isTransient, limitMs, everyMs = 2000, onWait, onBack, signal, clock = monotonicClock } = this.options;
    let waiting = false;
    try {
      for (;;) {
        try {
          return await work();
        } catch (error) {
          if (!isTransient(error) || this.#exhausted || signal?.aborted) throw error;
          if (!waiting && this.#waiting++ === 0) {
            this.#since = clock();
            onWait?.(error);
          }
          waiting = true;
          const left = limitMs - (clock() - this.#since);
          this.#exhausted = left <= 0;
          if (this.#exhausted) throw error;
          await delay(Math.min(everyMs, left), undefined, { signal }).catch(() => {});
        }
      }
    } finally {
      if (waiting && --this.#waiting === 0 && !this.#exhausted && !signal?.aborted) onBack?.(clock() - this.#since);
    }
  }
}

/** Codes of a disk that is full; of a network file system that is away for a while. */
const TRANSIENT = new Set(['ENOSPC', 'EDQUOT', 'ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN', 'EIO']);

/** Whether an error, or what caused it, is a disk that is full or away. */
export function isDiskTrouble(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if (TRANSIENT.has((at as NodeJS.ErrnoException).code ?? '')) return true;
  return false;
}
