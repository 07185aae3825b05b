/**
 * Model FLOPs utilisation (Chowdhery et al., PaLM, 2022): the floating-point operations that a step needs, by its time
 * and by the most that the hardware was seen to do in the precision of the step's products.
 */
export class Utilisation {
  #flops = 0;
  #ms = 0;

  /** @param peak floating-point operations a second; undefined where those of a step are not known */
  constructor(
    private readonly trainer: { readonly flops: number },
    private readonly peak: number | undefined,
  ) {}

  /** Adds time that the step took. */
  add(ms: number): void {
    this.#ms += ms;
  }

  /** The share since the last time it was taken, about 0 to 1. */
  take(): number | undefined {
    const flops = this.trainer.flops - this.#flops;
    const seconds = this.#ms / 1000;
    this.#flops = this.trainer.flops;
    this.#ms = 0;
    return this.peak === undefined || flops === 0 || seconds === 0 ? undefined : flops / seconds / this.peak;
  }
}
