import { Piscina } from 'piscina';
import type { ClipPair, SynthesisTask } from '../synthesis/recipe.js';
import { NativeGate } from './nativeGate.js';
import type { Outcome } from './outcome.js';
import type { SynthesisWorkerData } from './synthesisWorker.js';

/** Bounds of a thread's JavaScript heap, in MiB. Typed arrays lie outside it. */
export type ThreadLimits = {
  maxOldGenerationSizeMb?: number;
  maxYoungGenerationSizeMb?: number;
  stackSizeMb?: number;
};

/**
 * One worker thread, in use from its start to its end; it is never revived. A pool of one: piscina brings the
 * request–answer protocol, the moving of bytes and the death of a thread as an error.
 */
export class SynthesisThread<T = SynthesisTask, R = ClipPair> {
  /** Tasks it has done. */
  tasks = 0;
  readonly #pool: Piscina<T, Outcome<R>>;
  readonly #gate = new NativeGate();
  #alive = true;
  #ended: Promise<void> | undefined;

  /** @param onDeath told when the thread ends without `end` having been called, at work or idle. */
  constructor(filename: string, resourceLimits: ThreadLimits, onDeath: (thread: SynthesisThread<T, R>) => void) {
    this.#pool = new Piscina({
      filename,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      recordTiming: false,
      resourceLimits,
      workerData: { gate: this.#gate.shared } satisfies SynthesisWorkerData,
    });
    // Without a task the error is nobody's; the thread's end, which follows, is all that matters.
    this.#pool.on('error', () => {});
    this.#pool.once('workerDestroy', () => {
      this.#gate.abandon();
      if (!this.#alive) return;
      this.#alive = false;
      // Later: piscina is in the middle of replacing the thread, and waits for ever for the end of one that has ended.
      setImmediate(() => this.end());
      onDeath(this);
    });
  }

  /** @throws whatever ended the thread */
  async run(task: T): Promise<Outcome<R>> {
    const outcome = await this.#pool.run(task);
    this.tasks++;
    return outcome;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Stops the thread, in the middle of its work if need be, but not in the middle of a native library's. */
  end(): Promise<void> {
    this.#alive = false;
    this.#ended ??= this.#gate.close().then(() => this.#pool.destroy());
    return this.#ended;
  }
}
