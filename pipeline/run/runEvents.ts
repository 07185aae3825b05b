import { appendFile } from 'node:fs/promises';
import type { Console } from '../progress.js';

/**
 * What a person would want to know afterwards: every trouble a run had and what was done about it. Said at once, and
 * kept as a line of events.jsonl, which is never cut, whatever checkpoint the run goes on from.
 */
export class RunEvents {
  readonly #counts = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: string,
    private readonly log: Pick<Console, 'warn' | 'info'>,
  ) {}

  /** How often each kind of event has happened in this process. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort());
  }

  /** A trouble. */
  warn(kind: string, message: string, fields: object = {}): void {
    this.log.warn(message);
    this.keep(kind, message, fields);
  }

  /** That it is over, or something that is no trouble. */
  info(kind: string, message: string, fields: object = {}): void {
    this.log.info(message);
    this.keep(kind, message, fields);
  }

  /** An event that the log does not need. */
  keep(kind: string, message: string, fields: object = {}): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const line = `${JSON.stringify({ time: new Date().toISOString(), kind, message, ...fields })}\n`;
    // One of the events is that the disk is full: the line is lost then, and the run goes on.
    this.#writing = this.#writing.then(() => appendFile(this.file, line).catch(() => {}));
  }

  async flush(): Promise<void> {
    await this.#writing;
  }
}
