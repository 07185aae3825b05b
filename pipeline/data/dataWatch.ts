import { opendir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, monotonicClock } from '../../operators/index.js';
import { type PoolTask, SampleError, WorkerDiedError } from '../../workers/index.js';
import type { DataRoot } from './dataRoot.js';

/** The data root did not come back: exit code 3. */
export class DataLostError extends Error {
  override name = 'DataLostError';
}

export type DataWatchOptions = {
  /** How long to wait for the data root. */
  limitMs: number;
  onLost?: (path: string) => void;
  onBack?: (awayMs: number) => void;
  /** Pause between two looks, and how long a look may take: a network volume that is gone may give no answer at all. */
  everyMs?: number;
  answerMs?: number;
  clock?: Clock;
};

/**
 * Tells a broken clip from a data root that is gone. When a clip cannot be read, it looks whether the root is there;
 * if not, the clip is no worse than any other: it waits for the root, together with all others, and tries it again.
 */
export class DataWatch {
  readonly #folders: readonly string[];
  #looking: Promise<boolean> | undefined;
  #away: Promise<void> | undefined;
  #lost = false;

  constructor(
    private readonly data: Pick<DataRoot, 'path' | 'ids' | 'locate'>,
    private readonly options: DataWatchOptions,
  ) {
    const { crops, landmarks } = data.locate(data.ids[0]!);
    this.#folders = [...new Set([dirname(crops), dirname(landmarks)])];
  }

  /** Wraps what reads clips. @throws DataLostError when the root stays away. */
  guard<T extends PoolTask, R>(
    run: (task: T, signal: AbortSignal) => Promise<R>,
  ): (task: T, signal: AbortSignal) => Promise<R> {
    return async (task, signal) => {
      for (let again = true; ; ) {
        try {
          return await run(task, signal);
        } catch (error) {
          if (signal.aborted || !mayBeTheRoot(error)) throw error;
          if (await this.#isThere()) {
            // It may have been away for a moment only, while this clip was read.
            if (!again || !isMissing(error)) throw error;
            again = false;
          } else await this.#untilBack(signal);
        }
      }
    };
  }

  async #untilBack(signal: AbortSignal): Promise<void> {
    this.#away ??= this.#wait().finally(() => {
      this.#away = undefined;
    });
    this.#away.catch(() => {}); // all who wait may have been aborted by then
    let give: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      give = () => reject(signal.reason);
      signal.addEventListener('abort', give, { once: true });
    });
    try {
      await Promise.race([this.#away, aborted]);
    } finally {
      signal.removeEventListener('abort', give!);
    }
  }

  async #wait(): Promise<void> {
    const { limitMs, onLost, onBack, everyMs = 1000, clock = monotonicClock } = this.options;
    const begun = clock();
    if (!this.#lost) onLost?.(this.data.path);
    do {
      if (this.#lost) break;
      await delay(everyMs, undefined, { ref: false });
      if (!(await this.#isThere())) continue;
      onBack?.(clock() - begun);
      return;
    } while (clock() - begun < limitMs);
    this.#lost = true;
    throw new DataLostError(
      `the data root ${this.data.path} is gone and did not come back within ${Math.round(limitMs / 1000)} s`,
    );
  }

  /** Whether there are clips in the root's folders. A mount that is gone often leaves an empty folder behind. */
  async #isThere(): Promise<boolean> {
    const { answerMs = 5000 } = this.options;
    // One look at a time: calls into a file system that does not answer would use up the threads for all others.
    this.#looking ??= Promise.all(this.#folders.map(holdsClips))
      .then((found) => found.every(Boolean))
      .finally(() => {
        this.#looking = undefined;
      });
    return Promise.race([this.#looking, delay(answerMs, false, { ref: false })]);
  }
}

async function holdsClips(folder: string): Promise<boolean> {
  try {
    for await (const { name } of await opendir(folder)) if (name.endsWith('.npz')) return true;
  } catch {
    // gone
  }
  return false;
}

/** Stages that give up where files cannot be read: the sample's own, those of its companions, those of its donors. */
const READING = ['read', 'mix_frames', 'exchange'];

const mayBeTheRoot = (error: unknown): boolean =>
  (error instanceof SampleError && READING.includes(error.stage)) || error instanceof WorkerDiedError;

const isMissing = (error: unknown): boolean =>
  error instanceof SampleError && /does not exist|cannot be read/.test(error.reason);
