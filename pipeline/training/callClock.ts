import { type Clock, monotonicClock } from '../../operators/index.js';

/** So many calls of each kind are remembered. */
const KEPT = 101;

/** The call that an actor is at, and since when. */
export type CallUnderWay = { name: string; ms: number };

/**
 * Times the calls of an actor that answers them one after the other: how long it has been at the one under way, and how
 * long such calls usually take.
 */
export class CallClock {
  readonly #asked: { name: string }[] = [];
  /** When the actor began with the first of those asked. */
  #since = 0;
  readonly #took = new Map<string, number[]>();

  constructor(private readonly clock: Clock = monotonicClock) {}

  async time<T>(name: string, call: () => Promise<T>): Promise<T> {
    const asked = { name };
    if (this.#asked.push(asked) === 1) this.#since = this.clock();
    try {
      return await call();
    } finally {
      const now = this.clock();
      const times = this.#took.get(name) ?? [];
      times.push(now - this.#since);
      this.#took.set(name, times.slice(-KEPT));
      this.#asked.splice(this.#asked.indexOf(asked), 1);
      this.#since = now;
    }
  }

  get underWay(): CallUnderWay | undefined {
    const [first] = this.#asked;
    return first && { name: first.name, ms: this.clock() - this.#since };
  }

  /** Median of the latest calls of a kind; undefined before the first has ended. */
  usual(name: string): number | undefined {
    const times = this.#took.get(name)?.toSorted((a, b) => a - b);
    return times?.[times.length >> 1];
  }
}
