import { availableParallelism } from 'node:os';
import type { ClipPair, ClipSource, SynthesisTask } from '../synthesis/recipe.js';
import { compiledModule } from './compiledModule.js';
import { type Outcome, unwrapOutcome } from './outcome.js';
import { SynthesisThread, type ThreadLimits } from './synthesisThread.js';
import { ThreadTuner, type Tuning } from './threadTuner.js';
import { WorkerDiedError } from './workerDiedError.js';

export type SynthesisPoolOptions = {
  /** Worker threads; each makes one pair at a time. `auto`: as many as `observe` finds to be needed. */
  threads: number | 'auto';
  /** Processor cores that `auto` shares out. Default: those that the process may use. */
  cores?: number;
  /** Told of every change that `auto` makes. */
  onTuning?: (tuning: Tuning) => void;
  /** Tasks that may wait for a thread; a `run` beyond it is rejected. Default: no limit, the caller hands out credits. */
  maxQueue?: number;
  /**
   * A thread that has been at work on a clip for so long is ended, and the clip may be retried. The time that a task
   * waits for a thread does not count. Default: no limit.
   */
  taskTimeoutMs?: number;
  /** A thread is replaced after so many tasks: what native libraries lose over the years is given back. */
  recycleAfter?: number;
  /** A thread that holds more memory than this after a task (heap and typed arrays) is replaced. */
  recycleBytes?: number;
  /** Bounds of a thread's JavaScript heap; a thread that needs more dies and its clip may be retried. */
  resourceLimits?: ThreadLimits;
  /** Compiled module whose default export handles a task, in place of the synthesis; for tests and other actors. */
  workerFile?: string;
};

/** What a pool has done since its beginning. */
export type PoolUsage = {
  /** Tasks that were answered, by a pair or by a sample's error. */
  tasks: number;
  /** Time that threads were at work on them, and their CPU time (busy time where the platform cannot tell). */
  busyMs: number;
  cpuMs: number;
  /** Threads that died or were ended at work, and threads that were replaced in good health. */
  died: number;
  recycled: number;
  /** Most memory that a thread held after a task. */
  maxHeldBytes: number;
};

/** Some ten minutes of work: seldom enough to cost nothing, often enough that a leak of 50 kB a clip stays harmless. */
const RECYCLE_AFTER = 4000;
/** Over four times what a thread holds that reads 300 frames of 224x224 for each clip: 115 MB, of 32 frames 74 MB. */
const RECYCLE_BYTES = 512 * 2 ** 20;
/** So that clips that are larger than `recycleBytes` allows do not each start a thread of their own. */
const MIN_TASKS_OF_A_THREAD = 16;
/** Ten times what the stages keep on the heap; pictures are typed arrays and lie outside. */
const HEAP_MB = 256;

/** What a thread is told: it reads a clip, so it says which. */
export type PoolTask = { source: Pick<ClipSource, 'id'> };

type Job<T, R> = {
  task: T;
  resolve: (made: R) => void;
  reject: (error: unknown) => void;
  /** At work on it, once one is. */
  thread?: SynthesisThread<T, R>;
};

/**
 * Threads that make clip pairs, first come, first served. A thread that dies or hangs is replaced; its clip fails with
 * WorkerDiedError and may be tried again. The pair's bytes are moved between threads, not copied. How many threads
 * there are, which of them makes a pair and when they are replaced changes nothing in its bytes.
 *
 * With another `workerFile` the threads make something else (`R`) of each clip, see `cuttingPool`.
 */
export class SynthesisPool<T extends PoolTask = SynthesisTask, R = ClipPair> {
  /** The most threads there will ever be, and so the concurrency that a flow can make use of. */
  readonly maxThreads: number;
  readonly #options: SynthesisPoolOptions & { workerFile: string };
  readonly #tuner: ThreadTuner | undefined;
  readonly #queue: Job<T, R>[] = [];
  readonly #running = new Set<Job<T, R>>();
  readonly #idle: SynthesisThread<T, R>[] = [];
  readonly #ending = new Set<Promise<void>>();
  readonly #usage: PoolUsage = { tasks: 0, busyMs: 0, cpuMs: 0, died: 0, recycled: 0, maxHeldBytes: 0 };
  #threads: number;
  #destroyed = false;

  constructor(options: SynthesisPoolOptions) {
    const { threads, cores = availableParallelism() } = options;
    if (threads !== 'auto') positive('threads', threads);
    positive('cores', cores);
    for (const name of ['recycleAfter', 'recycleBytes', 'taskTimeoutMs'] as const)
      if (options[name] !== undefined) positive(name, options[name]);
    this.#options = { ...options, workerFile: options.workerFile ?? synthesisWorker() };
    this.#tuner = threads === 'auto' ? new ThreadTuner(cores) : undefined;
    this.#threads = this.#tuner?.threads ?? (threads as number);
    this.maxThreads = this.#tuner?.maxThreads ?? this.#threads;
    while (this.#idle.length < this.#threads) this.#idle.push(this.#start());
  }

  /** Threads that may be at work at once, now. */
  get threads(): number {
    return this.#threads;
  }

  /** Threads at work now, of those that may be. */
  get activity(): { busy: number; threads: number } {
    return { busy: this.#running.size, threads: this.#threads };
  }

  get usage(): Readonly<PoolUsage> {
    return { ...this.#usage };
  }

  /**
   * Makes one pair.
   *
   * @throws SampleError, RecipeError as `synthesisePair`; WorkerDiedError when the thread died or took too long; the
   *   signal's reason when it is aborted, which ends the thread that was at work on it
   */
  async run(task: T, options: { signal?: AbortSignal } = {}): Promise<R> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#destroyed) throw new Error('Expected a running SynthesisPool but it was destroyed');
    const { maxQueue = Number.POSITIVE_INFINITY } = this.#options;
    const free = this.#threads - this.#running.size;
    if (this.#queue.length >= maxQueue + Math.max(0, free))
      throw new RangeError(`Expected at most ${maxQueue} waiting tasks but received another`);
    let onAbort: (() => void) | undefined;
    const made = new Promise<R>((resolve, reject) => {
      const job: Job<T, R> = { task, resolve, reject };
      onAbort = () => this.#giveUp(job, signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(job);
      this.#dispatch();
    });
    try {
      return await made;
    } finally {
      if (onAbort) signal?.removeEventListener('abort', onAbort);
    }
  }

  /**
   * With `threads: 'auto'`, tells the pool how its consumer fares, in totals since the start: the pairs it has taken,
   * and for how long it stood still because there were none. To be called at any time, say after every step.
   */
  observe(consumer: { pairs: number; waitMs: number }): void {
    if (!this.#tuner || this.#destroyed) return;
    const { user, system } = process.cpuUsage();
    const tuning = this.#tuner.observe({
      seconds: performance.now() / 1000,
      processCpuSeconds: (user + system) / 1e6,
      made: this.#usage.tasks,
      busySeconds: this.#usage.busyMs / 1000,
      poolCpuSeconds: this.#usage.cpuMs / 1000,
      consumed: consumer.pairs,
      waitSeconds: consumer.waitMs / 1000,
    });
    if (!tuning) return;
    this.#threads = tuning.threads;
    while (this.#idle.length > 0 && this.#idle.length + this.#running.size > this.#threads)
      this.#end(this.#idle.shift()!);
    this.#options.onTuning?.(tuning);
    this.#dispatch();
  }

  /** Ends all threads; tasks under way are rejected. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    const reason = new Error('the SynthesisPool was destroyed before the clip was done');
    for (const job of [...this.#queue, ...this.#running]) this.#giveUp(job, reason);
    for (const thread of this.#idle.splice(0)) this.#end(thread);
    await Promise.all(this.#ending);
  }

  #dispatch(): void {
    while (!this.#destroyed && this.#queue.length > 0 && this.#running.size < this.#threads) {
      const job = this.#queue.shift()!;
      const thread = this.#idle.pop() ?? this.#start();
      job.thread = thread;
      this.#running.add(job);
      void this.#work(job, thread);
    }
  }

  async #work(job: Job<T, R>, thread: SynthesisThread<T, R>): Promise<void> {
    const { taskTimeoutMs } = this.#options;
    const clip = job.task.source.id;
    const began = performance.now();
    const onTimeout = () => this.#giveUp(job, new WorkerDiedError(clip, `no answer within ${taskTimeoutMs} ms`));
    const timer = taskTimeoutMs === undefined ? undefined : setTimeout(onTimeout, taskTimeoutMs);
    try {
      const outcome = await thread.run(job.task);
      this.#account(outcome, performance.now() - began);
      job.resolve(unwrapOutcome(outcome));
      if (this.#isWornOut(thread, outcome)) {
        this.#usage.recycled++;
        this.#end(thread);
      }
    } catch (error) {
      // The sample's own error, or that of a thread that has ended: a clip that was given up is settled already.
      if (thread.alive) job.reject(error);
      else job.reject(new WorkerDiedError(clip, (error as Error).message, { cause: error }));
    } finally {
      clearTimeout(timer);
      this.#running.delete(job);
      const wanted = thread.alive && this.#running.size + this.#idle.length < this.#threads;
      if (wanted && !this.#destroyed) this.#idle.push(thread);
      else this.#end(thread);
      this.#dispatch();
    }
  }

  /** Settles a task at once. A thread cannot be told to stop, so the one at work on it is ended. */
  #giveUp(job: Job<T, R>, reason: unknown): void {
    job.reject(reason);
    const place = this.#queue.indexOf(job);
    if (place >= 0) this.#queue.splice(place, 1);
    if (!job.thread?.alive) return;
    this.#usage.died++;
    this.#end(job.thread);
    // Its place is free now, not when the system is done with it.
    this.#running.delete(job);
    this.#dispatch();
  }

  #account(outcome: Outcome<R>, busyMs: number): void {
    const { usage } = outcome;
    this.#usage.tasks++;
    this.#usage.busyMs += busyMs;
    this.#usage.cpuMs += usage?.cpuMs ?? busyMs;
    this.#usage.maxHeldBytes = Math.max(this.#usage.maxHeldBytes, usage?.heldBytes ?? 0);
  }

  #isWornOut(thread: SynthesisThread<T, R>, { usage }: Outcome<R>): boolean {
    const { recycleAfter = RECYCLE_AFTER, recycleBytes = RECYCLE_BYTES } = this.#options;
    if (thread.tasks >= recycleAfter) return true;
    return thread.tasks >= MIN_TASKS_OF_A_THREAD && (usage?.heldBytes ?? 0) > recycleBytes;
  }

  #start(): SynthesisThread<T, R> {
    const { workerFile, resourceLimits = { maxOldGenerationSizeMb: HEAP_MB } } = this.#options;
    return new SynthesisThread<T, R>(workerFile, resourceLimits, (dead) => {
      this.#usage.died++;
      const place = this.#idle.indexOf(dead);
      if (place >= 0) this.#idle.splice(place, 1);
    });
  }

  #end(thread: SynthesisThread<T, R>): void {
    const ended = thread.end().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

const synthesisWorker = (): string => compiledModule('./synthesisWorker.js', import.meta.url);

function positive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`Expected a positive whole number for ${name} but received ${value}`);
}
