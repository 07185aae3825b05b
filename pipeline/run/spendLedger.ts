import { readFile } from 'node:fs/promises';
import { writeAtomically } from '../../model/index.js';

/** What a run's folder has cost so far, over all its stretches. */
export type Spent = { usd: number; seconds: number };

/** Time that a `kill -9` can make free of charge. */
const BEAT_MS = 5000;

/**
 * Writes down every few seconds what has been spent, so that the time between the last checkpoint and a crash counts,
 * and falling back to an older checkpoint gives no money back.
 */
export class SpendLedger {
  #beat: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: string,
    private readonly now: () => Spent,
    private readonly beatMs = BEAT_MS,
  ) {}

  /** What the file says; nothing where there is none or it is unreadable. */
  static async read(file: string): Promise<Spent> {
    try {
      const { spent_usd, seconds } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
      return { usd: amount(spent_usd), seconds: amount(seconds) };
    } catch {
      return { usd: 0, seconds: 0 };
    }
  }

  start(): void {
    this.#beat = setInterval(() => void this.#write(), this.beatMs);
    this.#beat.unref();
  }

  /** Writes for the last time. */
  async stop(): Promise<void> {
    clearInterval(this.#beat);
    await this.#write();
  }

  #write(): Promise<void> {
    // A full disk is noticed by the logs and the checkpoint, which wait for it; a beat that is missed is no harm.
    this.#writing = this.#writing.then(async () => {
      const { usd, seconds } = this.now();
      await writeAtomically(this.file, `${JSON.stringify({ spent_usd: usd, seconds })}\n`).catch(() => {});
    });
    return this.#writing;
  }
}

const amount = (value: unknown): number =>
  typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : 0;
