import { Piscina } from 'piscina';
import { compiledModule } from '../pool/compiledModule.js';
import type { ClipInspection, InspectionTask } from './inspectClip.js';

/** Threads that read clips and say what is in them. */
export class InspectionPool {
  readonly #pool: Piscina<InspectionTask, ClipInspection>;

  /** @throws RangeError unless `threads` is a positive whole number. */
  constructor(readonly threads: number) {
    if (!Number.isInteger(threads) || threads < 1)
      throw new RangeError(`Expected a positive whole number for threads but received ${threads}`);
    this.#pool = new Piscina<InspectionTask, ClipInspection>({
      filename: compiledModule('./inspectionWorker.js', import.meta.url),
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      recordTiming: false,
    });
    // A thread that dies fails its task, which is where it is heard.
    this.#pool.on('error', () => {});
  }

  /** Never rejects for a clip's sake: a thread that died of it is an answer too, and is replaced. */
  async inspect(task: InspectionTask, options: { signal?: AbortSignal } = {}): Promise<ClipInspection> {
    try {
      return await this.#pool.run(task, options.signal ? { signal: options.signal } : {});
    } catch (error) {
      options.signal?.throwIfAborted();
      const reason = `reading it failed in an unexpected way (${(error as Error).message})`;
      return { id: task.source.id, readable: false, reason };
    }
  }

  destroy(): Promise<void> {
    return this.#pool.destroy();
  }
}
