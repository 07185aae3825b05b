import { isOutOfMemory } from './outOfMemory.js';

/**
 * Takes clips as many at once as memory has room for. A clip's score does not depend on those beside it, so where memory
 * runs out half as many are tried again, and no more than that from then on.
 */
export class ClipsAtOnce {
  #most = Number.POSITIVE_INFINITY;

  /** @param onFewer told how many fit now */
  constructor(private readonly onFewer: (most: number) => void = () => {}) {}

  /**
   * Calls `work` for all of `count` clips in order, with at most `most` of them at a time.
   *
   * @param work is called again for clips that it ran out of memory with
   * @throws what `work` throws, also for want of memory when a single clip is too much
   */
  each(count: number, most: number, work: (from: number, to: number) => void): void {
    for (let from = 0; from < count; ) {
      const to = Math.min(from + Math.min(most, this.#most), count);
      try {
        work(from, to);
        from = to;
      } catch (error) {
        if (!isOutOfMemory(error) || to - from === 1) throw error;
        this.#most = Math.ceil((to - from) / 2);
        this.onFewer(this.#most);
      }
    }
  }
}
