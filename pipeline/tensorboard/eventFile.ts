import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type EventContent, type EventImage, eventMessage } from './eventMessage.js';
import { recordFrame } from './recordFrame.js';

export type EventFileOptions = {
  /** Optimiser steps done before: what other files in the folder say of later ones counts no more. */
  stepsDone: number;
  /** Told once when the file cannot be written; from then on nothing is. A run does not end for want of a picture. */
  onFailure: (error: Error) => void;
  /** Seconds since 1970; for tests. */
  now?: () => number;
};

/**
 * An event file that TensorBoard reads: `events.out.tfevents.<time>.<host>.<process>`. Each stretch of a run (it may be
 * resumed) writes its own; TensorBoard joins those of a folder in the order of their names. Events that are written
 * while the disk is busy go out together, and a file that a kill left half written is readable up to there.
 *
 * @example
 * const events = await EventFile.open('runs/a/tensorboard', { stepsDone: 0, onFailure: (error) => log.warn(error.message) });
 * events.scalars(12, { 'loss/total': 0.68 });
 * await events.close();
 */
export class EventFile {
  #pending: Uint8Array[] = [];
  #writing: Promise<void> = Promise.resolve();
  #scheduled = false;
  #failed = false;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly onFailure: (error: Error) => void,
    private readonly now: () => number,
  ) {}

  /** @throws the system's error when the file cannot be made */
  static async open(
    folder: string,
    { stepsDone, onFailure, now = () => Date.now() / 1000 }: EventFileOptions,
  ): Promise<EventFile> {
    await mkdir(folder, { recursive: true });
    const host = hostname().replace(/[^\w.-]/g, '_') || 'host';
    const path = join(folder, `events.out.tfevents.${Math.floor(now())}.${host}.${process.pid}`);
    const file = new EventFile(path, await open(path, 'a'), onFailure, now);
    file.#write(0, { kind: 'fileVersion' });
    file.rewindTo(stepsDone);
    return file;
  }

  /** The run goes on from here: what was written of later steps counts no more. */
  rewindTo(stepsDone: number): void {
    this.#write(stepsDone + 1, { kind: 'sessionStart' });
  }

  scalars(step: number, values: Readonly<Record<string, number>>): void {
    this.#write(step, { kind: 'scalars', values });
  }

  images(step: number, images: Readonly<Record<string, EventImage>>): void {
    this.#write(step, { kind: 'images', images });
  }

  /** Brings everything to the disk. Does not throw: `onFailure` has been told. */
  async close(): Promise<void> {
    await this.#writing;
    await this.handle.close().catch((error: Error) => this.#fail(error));
  }

  #write(step: number, content: EventContent): void {
    if (this.#failed) return;
    this.#pending.push(recordFrame(eventMessage({ wallTime: this.now(), step }, content)));
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#writing = this.#writing.then(async () => {
      this.#scheduled = false;
      const bytes = Buffer.concat(this.#pending.splice(0));
      try {
        await this.handle.appendFile(bytes);
      } catch (error) {
        this.#fail(error as Error);
      }
    });
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.onFailure(error);
  }
}
