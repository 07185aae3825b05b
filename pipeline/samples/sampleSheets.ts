import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeAtomically } from '../../model/index.js';
import { renderRecordingSheet, stripsOf } from '../recording/recordingSheet.js';
import type { MicroBatch } from '../training/microBatch.js';

/** A drawn sheet as a JPEG. */
export type SampleSheet = { step: number; width: number; height: number; jpeg: Uint8Array };

/** Pairs on a sheet: more would make the report large and show nothing new. */
const PAIRS = 2;
/** JPEG quality of libvips, 1..100: what compression adds stays below what the augmentation does to the frames. */
const QUALITY = 85;

/** `step-000016.jpg` */
export const sheetName = (step: number): string => `step-${String(step).padStart(6, '0')}.jpg`;

/** Steps 1, 2, 4, 8, …: early mistakes show at once, and a run of a million steps has 20 sheets. */
export const isSampledStep = (step: number): boolean => Number.isInteger(Math.log2(step));

/**
 * Keeps pictures of what the model was trained on, as it was: the bytes of the first pairs of some micro-batches.
 * Which ones depends on the step alone, so a resumed run has the same pictures.
 */
export class SampleSheets {
  readonly #folder: string;
  #drawing: Promise<void> = Promise.resolve();
  #failed = false;

  /**
   * @param folder made when there is something to draw
   * @param onFailure told once; after that nothing is drawn. A run does not end for want of a picture
   */
  constructor(
    folder: string,
    private readonly onSheet: (sheet: SampleSheet) => void,
    private readonly onFailure: (error: Error) => void,
  ) {
    this.#folder = folder;
  }

  /** To be called before the bytes are moved to the model. */
  observe(micro: MicroBatch): void {
    if (this.#failed || micro.micro !== 0 || !isSampledStep(micro.step)) return;
    const { shape, step, ids } = micro;
    const pairs = Math.min(PAIRS, ids.length);
    const pairBytes = (2 * micro.clips.length) / shape[0];
    // A copy, which `slice` is not where the bytes come as a Buffer from a recording.
    const clips = new Uint8Array(micro.clips.subarray(0, pairs * pairBytes));
    const shown = { ...micro, ids: ids.slice(0, pairs), clips };
    this.#drawing = this.#drawing.then(async () => {
      try {
        const { png, width, height } = await renderRecordingSheet(
          stripsOf({ micro: shown }),
          `What the model saw in step ${step}`,
        );
        const jpeg = await sharp(png).jpeg({ quality: QUALITY }).toBuffer();
        await mkdir(this.#folder, { recursive: true });
        await writeAtomically(join(this.#folder, sheetName(step)), jpeg);
        this.onSheet({ step, width, height, jpeg });
      } catch (error) {
        if (!this.#failed) this.onFailure(error as Error);
        this.#failed = true;
      }
    });
  }

  /** Resolves when all that was observed is drawn. */
  async close(): Promise<void> {
    await this.#drawing;
  }
}
