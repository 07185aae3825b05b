import { keyedGenerator, type SampleKey } from '../workers/index.js';
import { drawOthers } from './drawOthers.js';

/** One place in the stream of training pairs. */
export type SamplePlan = {
  readonly key: SampleKey;
  /** Optimiser step, counted from 1, and micro-batch within it, counted from 0. */
  readonly step: number;
  readonly micro: number;
  /** Clip ids to try in turn: the planned one, then its substitutes should it be unreadable. */
  readonly candidates: readonly string[];
};

export type SamplerOptions = {
  readonly ids: readonly string[];
  readonly seed: number;
  /** Pairs in a micro-batch, and micro-batches in an optimiser step. */
  readonly pairsPerMicro: number;
  readonly gradAccum: number;
};

/** How many other clips may stand in for an unreadable one before the position itself counts as lost. */
const SUBSTITUTES = 4;

/**
 * Decides which clip stands at each position of each epoch. A pure function of (ids, seed, epoch, position): resuming
 * at a step or changing the number of workers changes nothing.
 *
 * An epoch has as many steps as are needed to show every clip once; the last step is filled up from a second shuffle,
 * so that every step has the same shape.
 */
export class Sampler {
  readonly pairsPerStep: number;
  readonly stepsPerEpoch: number;
  readonly #shuffles = new Map<string, readonly string[]>();

  constructor(private readonly options: SamplerOptions) {
    if (options.ids.length === 0) throw new RangeError('Sampler: expected at least one clip id');
    this.pairsPerStep = options.pairsPerMicro * options.gradAccum;
    this.stepsPerEpoch = Math.ceil(options.ids.length / this.pairsPerStep);
  }

  /** Epoch (from 0) of an optimiser step (from 1). */
  epochOf(step: number): number {
    return Math.floor((step - 1) / this.stepsPerEpoch);
  }

  at(epoch: number, position: number): SamplePlan {
    const { ids, seed, pairsPerMicro } = this.options;
    const stepInEpoch = Math.floor(position / this.pairsPerStep);
    const planned = this.#shuffle(epoch, Math.floor(position / ids.length))[position % ids.length]!;
    const draw = keyedGenerator(seed, 'substitutes', epoch, position);
    return {
      key: { seed, epoch, position },
      step: epoch * this.stepsPerEpoch + stepInEpoch + 1,
      micro: Math.floor((position % this.pairsPerStep) / pairsPerMicro),
      candidates: [planned, ...drawOthers(ids, planned, SUBSTITUTES, draw)],
    };
  }

  /** Plans of the steps `fromStep..toStep`, both included, in order. */
  *plans(fromStep: number, toStep: number): Generator<SamplePlan> {
    for (let step = fromStep; step <= toStep; step++) {
      const first = ((step - 1) % this.stepsPerEpoch) * this.pairsPerStep;
      for (let i = 0; i < this.pairsPerStep; i++) yield this.at(this.epochOf(step), first + i);
    }
  }

  /** Fisher–Yates shuffle number `round` of an epoch; the two latest are kept. */
  #shuffle(epoch: number, round: number): readonly string[] {
    const key = `${epoch}/${round}`;
    let order = this.#shuffles.get(key);
    if (!order) {
      const draw = keyedGenerator(this.options.seed, 'shuffle', epoch, round);
      const list = [...this.options.ids];
      for (let i = list.length - 1; i > 0; i--) {
        const j = draw.integer(0, i);
        [list[i], list[j]] = [list[j]!, list[i]!];
      }
      order = list;
      if (this.#shuffles.size >= 2) this.#shuffles.delete(this.#shuffles.keys().next().value!);
      this.#shuffles.set(key, order);
    }
    return order;
  }
}
