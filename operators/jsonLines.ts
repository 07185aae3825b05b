import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { concatMap, type MonoTypeOperatorFunction } from 'rxjs';
import { diskReason } from './diskReason.js';
import type { Patience } from './patience.js';
import { repairLastLine } from './repairLastLine.js';

/** A log could not be read or written; the message names the file and the reason. */
export class JsonLinesError extends Error {
  override readonly name = 'JsonLinesError';
}

/**
 * An append-only file with one JSON object per line.
 *
 * Rows written while the disk is busy go out together in one call. After a kill at any moment only the last line can be
 * incomplete; `open` removes such a torn line. When a write fails (disk full), what was half written is cut off again
 * and, with `patience`, tried anew; when that does not help, that call and every later one rejects with the same
 * JsonLinesError.
 *
 * @example
 * const log = await JsonLines.open('runs/a/metrics.jsonl');
 * await log.write({ step: 1, loss: 0.69 });
 * await log.flush(); // on disk, even if the power fails
 * await log.close();
 */
export class JsonLines {
  #pending: string[] = [];
  /** The append that pending rows will go out with; undefined once it has started. */
  #gathering: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();
  #failure: JsonLinesError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private length: number,
    private readonly patience: Pick<Patience, 'retry'> = { retry: (work) => work() },
  ) {}

  /** Opens `path` for appending, creating it and its folder, and repairs a torn last line. @throws JsonLinesError */
  static async open(path: string, { patience }: { patience?: Patience } = {}): Promise<JsonLines> {
    let handle: FileHandle | undefined;
    try {
      await mkdir(dirname(path), { recursive: true });
      handle = await open(path, 'a+');
      return new JsonLines(path, handle, await repairLastLine(handle), patience);
    } catch (error) {
      await handle?.close();
      throw new JsonLinesError(`Could not open ${path}: ${diskReason(error)}`, { cause: error });
    }
  }

  /** Appends a row. Resolves when the operating system has it: awaiting each row bounds what is pending. */
  async write(row: object): Promise<void> {
    if (this.#closing) throw new JsonLinesError(`Could not write ${this.path}: it is closed`);
    if (this.#failure) throw this.#failure;
    this.#pending.push(`${JSON.stringify(row)}\n`);
    this.#gathering ??= this.#last = this.#last.then(() => this.#append());
    return this.#gathering;
  }

  /** Resolves when everything written so far is on the disk itself. */
  async flush(): Promise<void> {
    await this.#last;
    try {
      await this.patience.retry(() => this.handle.datasync());
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Flushes and closes. Closing twice is closing once. */
  close(): Promise<void> {
    this.#closing ??= this.flush().finally(() => this.handle.close());
    return this.#closing;
  }

  async #append(): Promise<void> {
    const bytes = Buffer.from(this.#pending.join(''));
    this.#pending = [];
    this.#gathering = undefined;
    try {
      await this.patience.retry(() => this.#appendWhole(bytes));
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async #appendWhole(bytes: Buffer): Promise<void> {
    try {
      await this.handle.appendFile(bytes);
      this.length += bytes.length;
    } catch (error) {
      await this.handle.truncate(this.length).catch(() => {}); // the disk is failing already: the first error counts
      throw error;
    }
  }

  #fail(error: unknown): JsonLinesError {
    this.#failure ??= new JsonLinesError(`Could not write ${this.path}: ${diskReason(error)}`, { cause: error });
    return this.#failure;
  }
}

/**
 * Writes a row for each value and passes the value on once its row is written, so that whoever sees a value can rely on
 * its row, and a slow disk holds the flow back. `row` may return undefined: the value then has no row. Rows are written
 * one by one in order; opening and closing the file is the caller's.
 *
 * @example
 * steps.pipe(jsonLines(log, ({ step, loss }) => ({ step, loss })))
 *
 * @throws JsonLinesError (as the stream's error).
 */
export function jsonLines<T>(
  log: JsonLines,
  row: (value: T) => object | undefined = (value) => value as object,
): MonoTypeOperatorFunction<T> {
  return concatMap(async (value) => {
    const fields = row(value);
    if (fields) await log.write(fields);
    return value;
  });
}
