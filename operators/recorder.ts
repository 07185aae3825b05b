import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Credits } from './credits.js';
import { diskReason } from './diskReason.js';
import { positiveInteger } from './positiveInteger.js';
import { RecordingError } from './recordingError.js';
import { encodeRecording, type RecordingDraft } from './recordingFile.js';

export type RecorderOptions = {
  /** The most bytes that recordings may take in the folder, those that lie there already included. */
  maxBytes: number;
  /** Bytes that stay free on the disk for others. Default 1 GiB. */
  minFreeBytes?: number;
  /** Recordings handed to the system that need not be on the disk yet; the next one waits. Default 2. */
  pending?: number;
  /** Told once, with the reason, when recording ends before its time. */
  onStop?: (reason: string) => void;
};

/** What all recordings are named. */
export const RECORDING_SUFFIX = '.msgpack';

/**
 * Writes recordings into a folder, one file each. A file is whole or not there: temporary file, fsync, rename.
 *
 * Recording must never be what ends a run: when the bound is reached, the disk is nearly full or a write fails, it
 * stops, says so once through `onStop` and lets everything after that pass.
 *
 * @example
 * const recorder = await Recorder.open('runs/a/recorded', { maxBytes: 10e9, onStop: (reason) => warn(reason) });
 * await recorder.write('step-000012-micro-0.msgpack', { header: { step: 12 }, parts: [{ name: 'clips', bytes }] });
 * await recorder.close();
 *
 * @throws RangeError if an option is not positive.
 */
export class Recorder {
  #files = 0;
  #written = 0;
  #total: number;
  #stopped: string | undefined;
  #closing: Promise<void> | undefined;
  readonly #slots: Credits;
  readonly #underWay = new Set<Promise<void>>();

  private constructor(
    readonly folder: string,
    private readonly options: Required<Omit<RecorderOptions, 'onStop'>> & Pick<RecorderOptions, 'onStop'>,
    /** Sizes of the recordings in the folder, those that are being written included. */
    private readonly sizes: Map<string, number>,
  ) {
    this.#total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    this.#slots = new Credits(positiveInteger('pending', options.pending));
  }

  /** Opens a folder, creating it, and clears what a killed process left half written. @throws RecordingError */
  static async open(folder: string, options: RecorderOptions): Promise<Recorder> {
    const { maxBytes, minFreeBytes = 2 ** 30, pending = 2 } = options;
    if (!(maxBytes > 0)) throw new RangeError(`Expected a positive number for maxBytes but received ${maxBytes}`);
    const sizes = new Map<string, number>();
    try {
      await mkdir(folder, { recursive: true });
      for (const name of await readdir(folder)) {
        if (isAbandoned(name)) await rm(join(folder, name), { force: true });
        else if (name.endsWith(RECORDING_SUFFIX)) sizes.set(name, (await stat(join(folder, name))).size);
      }
    } catch (error) {
      throw new RecordingError(folder, 0, 'a folder for recordings', diskReason(error), { cause: error });
    }
    return new Recorder(folder, { maxBytes, minFreeBytes, pending, onStop: options.onStop }, sizes);
  }

  /** Recordings and bytes that this recorder has brought to the disk. */
  get files(): number {
    return this.#files;
  }

  get bytes(): number {
    return this.#written;
  }

  /** Why recording stopped, if it did. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /**
   * Writes a recording, replacing one of the same name. Resolves when the system has taken the bytes, which may be moved
   * or overwritten from then on; they may not be on the disk yet, which `flush` waits for. After a stop it does nothing.
   *
   * @param name without folder, ending in `.msgpack`
   * @throws TypeError, RangeError for what cannot be recorded; never for the disk's sake
   */
  async write(name: string, recording: RecordingDraft): Promise<void> {
    if (!/^[\w.-]+$/.test(name) || !name.endsWith(RECORDING_SUFFIX))
      throw new TypeError(`Expected a file name ending in ${RECORDING_SUFFIX} but received ${JSON.stringify(name)}`);
    if (this.#closing) throw new Error(`Could not record ${name}: the recorder is closed`);
    if (this.#stopped !== undefined) return;
    await this.#slots.take();
    let taken: Promise<void> | undefined;
    try {
      const encoded = await encodeRecording(recording);
      taken = this.#begin(name, encoded);
    } finally {
      if (!taken) this.#slots.give();
    }
    await taken;
  }

  /** Resolves when everything written so far is on the disk or recording has stopped. */
  async flush(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Flushes and ends. Closing twice is closing once. */
  close(): Promise<void> {
    this.#closing ??= this.flush().then(() => syncFolder(this.folder));
    return this.#closing;
  }

  /** Starts a write; the promise is that of the system having taken the bytes. The slot is given back at the end. */
  #begin(name: string, encoded: { chunks: Uint8Array[]; bytes: number }): Promise<void> {
    let taken: () => void = () => {};
    const handedOver = new Promise<void>((resolve) => {
      taken = resolve;
    });
    const done = this.#put(name, encoded, taken)
      .catch((error) => this.#stop(`could not write ${join(this.folder, name)}: ${diskReason(error)}`))
      .finally(() => {
        this.#underWay.delete(done);
        this.#slots.give();
        taken();
      });
    this.#underWay.add(done);
    return handedOver;
  }

  async #put(
    name: string,
    { chunks, bytes }: { chunks: Uint8Array[]; bytes: number },
    taken: () => void,
  ): Promise<void> {
    if (this.#stopped !== undefined) return;
    const { maxBytes, minFreeBytes } = this.options;
    const before = this.sizes.get(name);
    const total = this.#total - (before ?? 0) + bytes;
    if (total > maxBytes)
      return this.#stop(`with ${name} the recordings would take ${total} bytes; at most ${maxBytes} are allowed`);
    this.#resize(name, bytes); // at once, since other writes may be under way
    const path = join(this.folder, name);
    const draft = `${path}.${process.pid}.${randomUUID()}.tmp`;
    try {
      const { bavail, bsize } = await statfs(this.folder);
      if (bavail * bsize - bytes < minFreeBytes) {
        this.#resize(name, before);
        return this.#stop(
          `${name} needs ${bytes} bytes and ${minFreeBytes} must stay free; ${bavail * bsize} are left`,
        );
      }
      const handle = await open(draft, 'wx');
      try {
        await writeFile(handle, chunks); // repeats until everything is taken, which `write` and `writev` do not
        taken();
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, path);
    } catch (error) {
      this.#resize(name, before);
      await rm(draft, { force: true }).catch(() => {}); // the disk is failing already: the first error counts
      throw error;
    }
    this.#files += 1;
    this.#written += bytes;
  }

  #resize(name: string, size: number | undefined): void {
    this.#total += (size ?? 0) - (this.sizes.get(name) ?? 0);
    if (size === undefined) this.sizes.delete(name);
    else this.sizes.set(name, size);
  }

  #stop(reason: string): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.options.onStop?.(reason);
  }
}

/** A draft whose process is gone. */
function isAbandoned(name: string): boolean {
  const pid = new RegExp(`\\${RECORDING_SUFFIX}\\.(\\d+)\\.[0-9a-f-]{36}\\.tmp$`).exec(name)?.[1];
  if (!pid) return false;
  try {
    process.kill(Number(pid), 0); // signal 0 only asks
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Brings the folder's entries to the disk, where the system knows how. */
async function syncFolder(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    await handle.sync();
  } catch {
    // The files themselves are on the disk; without this, a power cut may forget the last names.
  } finally {
    await handle?.close();
  }
}
