import { Piscina } from 'piscina';
import type { ClipPair, SynthesisTask } from '../synthesis/recipe.js';
import { compiledModule } from './compiledModule.js';
import { type Outcome, unwrapOutcome } from './outcome.js';
import { WorkerDiedError } from './workerDiedError.js';

export type SynthesisPoolOptions = {
  /** Worker threads; each makes one pair at a time. */
  threads: number;
  /** Tasks that may wait for a thread; a `run` beyond it is rejected. Default: no limit, the caller hands out credits. */
  maxQueue?: number;
  /** Memory of a thread's JavaScript heap; a thread that needs more dies and its clip may be retried. Typed arrays lie
   * outside it. */
  resourceLimits?: { maxOldGenerationSizeMb?: number; maxYoungGenerationSizeMb?: number; stackSizeMb?: number };
  /** Compiled module whose default export handles a task, in place of the synthesis; for tests and other actors. */
  workerFile?: string;
};

/**
 * Threads that make clip pairs. A thread that dies is replaced; its clip fails with WorkerDiedError and may be tried
 * again. The pair's bytes are moved between threads, not copied.
 */
export class SynthesisPool {
  readonly threads: number;
  readonly #pool: Piscina<SynthesisTask, Outcome>;
  #destroyed = false;

  constructor(options: SynthesisPoolOptions) {
    const { threads, maxQueue = Number.POSITIVE_INFINITY, resourceLimits } = options;
    if (!Number.isInteger(threads) || threads < 1)
      throw new RangeError(`Expected a positive whole number for threads but received ${threads}`);
    this.threads = threads;
    this.#pool = new Piscina({
      filename: options.workerFile ?? compiledModule('./synthesisWorker.js', import.meta.url),
      minThreads: threads,
      maxThreads: threads,
      maxQueue,
      concurrentTasksPerWorker: 1,
      ...(resourceLimits && { resourceLimits }),
    });
    // A thread that dies between two tasks has nobody's promise to reject; it is replaced and that is all.
    this.#pool.on('error', () => {});
  }

  /**
   * Makes one pair.
   *
   * @throws SampleError, RecipeError as `synthesisePair`; WorkerDiedError when the thread ended; the signal's reason
   *   when it is aborted, which ends the thread that was at work on it
   */
  async run(task: SynthesisTask, options: { signal?: AbortSignal } = {}): Promise<ClipPair> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#destroyed) throw new Error('Expected a running SynthesisPool but it was destroyed');
    let outcome: Outcome;
    try {
      outcome = await this.#pool.run(task, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      if (this.#destroyed)
        throw new Error('the SynthesisPool was destroyed before the clip was done', { cause: error });
      const { message } = error as Error;
      if (/task queue/i.test(message)) throw error;
      throw new WorkerDiedError(task.source.id, message, { cause: error });
    }
    return unwrapOutcome(outcome);
  }

  /** Ends all threads; tasks under way are rejected. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    await this.#pool.destroy();
  }
}
