import type { MicroResult, NextClips, UniformSource } from '../../model/index.js';
import { isOutOfMemory } from '../run/outOfMemory.js';

/**
 * A micro-batch as the trainer takes it. `masks` draws its masks from the beginning, each time it is called; `key` names
 * its clips where they may have been given along as `next` before.
 */
export type Micro = { clips: Uint8Array; labels: Int32Array; masks: () => UniformSource; key?: string };

/** What a step needs of a trainer. */
export type SplittableTrainer = {
  accumulate(
    batch: Pick<Micro, 'clips' | 'labels' | 'key'>,
    uniform: UniformSource,
    parts: number,
    next?: NextClips,
  ): MicroResult;
  discard(): void;
};

/** Not even one pair at a time fits. */
export class OutOfMemoryError extends Error {
  override name = 'OutOfMemoryError';
}

/**
 * Accumulates the micro-batches of optimiser steps, each in as many equal parts as the memory asks for. When memory runs
 * out, all micro-batches of the begun step are computed again in smaller parts: pairs stay whole, and since every part
 * is equal and all of the step are counted, losses and gradients remain means over the same samples. The contrastive
 * term is then the mean of more and smaller hinges.
 */
export class SplitSteps {
  #begun: Micro[] = [];

  constructor(
    private readonly trainer: SplittableTrainer,
    /** In how many parts to begin with. */
    public parts = 1,
  ) {}

  /**
   * @param next clips to be staged meanwhile; not where the micro-batch is computed in parts, since memory is short
   * @throws OutOfMemoryError when one pair at a time is too much; the trainer's other errors.
   */
  take(micro: Micro, next?: NextClips): MicroResult {
    this.#begun.push(micro);
    for (let again = false; ; again = true) {
      try {
        if (!again) return this.#accumulate(micro, this.parts === 1 ? next : undefined);
        this.trainer.discard();
        return this.#begun.map((one) => this.#accumulate(one)).at(-1)!;
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        this.parts = moreParts(micro.labels.length / 2, this.parts, error as Error);
      }
    }
  }

  /** To be called when the step has been applied or forgotten. */
  end(): void {
    this.#begun = [];
  }

  #accumulate({ clips, labels, masks, key }: Micro, next?: NextClips): MicroResult {
    return this.trainer.accumulate({ clips, labels, key }, masks(), this.parts, next);
  }
}

/** The next number above `parts` that divides the pairs evenly. */
function moreParts(pairs: number, parts: number, cause: Error): number {
  for (let more = parts + 1; more <= pairs; more++) if (pairs % more === 0) return more;
  throw new OutOfMemoryError(
    `there is not enough memory for a single pair of clips (${cause.message.split('\n')[0]}); try training.grad_checkpoint=true, or a smaller data.img_size or data.num_frames`,
    { cause },
  );
}
