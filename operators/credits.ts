import { positiveInteger } from './positiveInteger.js';

type Waiter = { count: number; granted: () => void };

/**
 * A fixed number of permits to have items under way. `pull` takes one for each item it lets into a flow and whoever
 * is done with the item gives it back, so no more than `capacity` items exist between the two, however long a consumer
 * stalls. Waiters are served first come, first served.
 *
 * One `Credits` belongs to one run of a flow: after a cancelled run the items that were dropped have taken their
 * credits with them.
 *
 * @example
 * const credits = new Credits(4);
 * pull(paths, credits).pipe(mergeMap(async (path) => { await copy(path); credits.give(); })).subscribe();
 *
 * @throws RangeError if the capacity is not a positive integer.
 */
export class Credits {
  readonly capacity: number;
  #available: number;
  #peak = 0;
  readonly #waiters: Waiter[] = [];

  constructor(capacity: number) {
    this.capacity = positiveInteger('capacity', capacity);
    this.#available = capacity;
  }

  /** Credits free to be taken. */
  get available(): number {
    return this.#available;
  }

  /** Credits taken and not yet given back: the items under way. */
  get outstanding(): number {
    return this.capacity - this.#available;
  }

  /** The most credits that were ever outstanding at once. */
  get peak(): number {
    return this.#peak;
  }

  /**
   * Calls `granted` once `count` credits are taken, at once if they are free. Returns a function that withdraws the
   * request; withdrawing after the grant does nothing. No promise is involved, so flows stay testable in virtual time.
   */
  request(count: number, granted: () => void): () => void {
    positiveInteger('count', count);
    if (count > this.capacity) {
      throw new RangeError(
        `Expected at most ${this.capacity} credits (the capacity) to be taken but received ${count}`,
      );
    }
    const waiter = { count, granted };
    this.#waiters.push(waiter);
    this.#serve();
    return () => {
      const place = this.#waiters.indexOf(waiter);
      if (place < 0) return;
      this.#waiters.splice(place, 1);
      this.#serve(); // a large request at the head may have held up smaller ones behind it
    };
  }

  /** Resolves once `count` credits are taken; rejects with the signal's reason, taking nothing, if it aborts first. */
  take(count = 1, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      let withdraw: () => void = () => {};
      const onAbort = () => {
        withdraw();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        withdraw = this.request(count, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
      } catch (error) {
        signal?.removeEventListener('abort', onAbort);
        throw error;
      }
    });
  }

  /** Gives `count` credits back. @throws RangeError if fewer are outstanding: someone gave the same credit twice. */
  give(count = 1): void {
    positiveInteger('count', count);
    if (count > this.outstanding) {
      throw new RangeError(`Expected at most ${this.outstanding} credits to be given back but received ${count}`);
    }
    this.#available += count;
    this.#serve();
  }

  #serve(): void {
    for (let head = this.#waiters[0]; head && head.count <= this.#available; head = this.#waiters[0]) {
      this.#waiters.shift();
      this.#available -= head.count;
      this.#peak = Math.max(this.#peak, this.outstanding);
      head.granted();
    }
  }
}
