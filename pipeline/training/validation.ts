import { lastValueFrom, toArray } from 'rxjs';
import { averagePrecision, decisionsAt, equalErrorRate, fitTemperature, rocAuc } from '../../model/index.js';
import { batch, consume, flowCredits, keep, orderedMap, pull, stopOn } from '../../operators/index.js';
import type { ClipPair, SynthesisTask } from '../../workers/index.js';
import { attemptClip } from './attemptClip.js';
import type { SampleFailure } from './fillPosition.js';
import { joinPairs } from './microBatch.js';
import { DivergedError, type TrainActorClient } from './trainActorClient.js';

/** Scores on held-out self-blended pairs. */
export type ValidationResult = {
  auc: number;
  ap: number;
  eer: number;
  accuracy: number;
  /** Share of pairs in which the fake scores above its own original, a tie counting half. */
  inPair: number;
  pairs: number;
  ms: number;
} & ReturnType<typeof fitTemperature>;

export type ValidationOptions = {
  /** Ids of the split's real clips, and how many pairs to make of them (each clip at least once). */
  ids: readonly string[];
  pairs: number;
  taskOf: (id: string, position: number) => SynthesisTask;
  run: (task: SynthesisTask, signal: AbortSignal) => Promise<ClipPair>;
  threads: number;
  pairsPerBatch: number;
  actor: TrainActorClient;
  onFailure: (failure: SampleFailure) => void;
};

/** Above this, validation pairs are made anew each time instead of being kept in memory. */
const KEEP_BYTES = 256 * 2 ** 20;

/**
 * Validation on self-blended pairs of people that training never sees. The pairs are the same at every call: position i
 * is clip i mod n under the key (seed, −1, i), without augmentation beyond the blend.
 */
export class Validation {
  #kept: ClipPair[] | undefined;

  constructor(private readonly options: ValidationOptions) {}

  get pairs(): number {
    return Math.max(this.options.pairs, this.options.ids.length);
  }

  async run(signal: AbortSignal): Promise<ValidationResult | undefined> {
    const { actor, pairsPerBatch, threads } = this.options;
    const begun = performance.now();
    const credits = flowCredits({ concurrency: threads, batchSize: pairsPerBatch });
    const kept: ClipPair[] = [];
    let bytes = 0;
    const items: readonly (ClipPair | number)[] = this.#kept ?? Array.from({ length: this.pairs }, (_, i) => i);
    const made = pull(items, credits).pipe(
      orderedMap(async (item) => (typeof item === 'number' ? this.#make(item) : item), {
        concurrency: threads,
      }),
      keep((pair) => pair !== undefined, credits),
      stopOn(signal), // what is being made is dropped: data that is away must not keep a run that has to end
      batch(pairsPerBatch),
      consume(
        async (pairs: ClipPair[]) => {
          if (signal.aborted) return undefined;
          bytes += pairs.reduce((sum, pair) => sum + pair.bytes.length, 0);
          if (bytes <= KEEP_BYTES) kept.push(...pairs);
          const { clips, labels } = joinPairs(pairs);
          return { labels, ...(await actor.score({ clips, count: labels.length })) };
        },
        { credits, cost: (pairs) => pairs.length },
      ),
      toArray(),
    );
    const scored = (await lastValueFrom(made)).filter((part) => part !== undefined);
    if (signal.aborted) return undefined;
    if (bytes <= KEEP_BYTES) this.#kept = kept;
    const labels = scored.flatMap((part) => [...part.labels]);
    if (labels.length === 0) return undefined;
    const scores = scored.flatMap((part) => [...part.probability]);
    if (!scores.every(Number.isFinite)) throw new DivergedError('the model gives scores that are not finite');
    return {
      auc: rocAuc(labels, scores),
      ap: averagePrecision(labels, scores),
      eer: equalErrorRate(labels, scores),
      accuracy: decisionsAt(labels, scores).accuracy,
      inPair: shareInPairs(labels, scores),
      pairs: labels.length / 2,
      ...fitTemperature(labels, scores),
      ms: performance.now() - begun,
    };
  }

  async #make(position: number): Promise<ClipPair | undefined> {
    const { ids, taskOf, run, onFailure } = this.options;
    const clip = ids[position % ids.length]!;
    const { made, failure } = await attemptClip(clip, (signal) => run(taskOf(clip, position), signal));
    if (failure) onFailure(failure);
    return made;
  }
}

/** The i-th real and the i-th fake are a pair. */
function shareInPairs(labels: readonly number[], scores: readonly number[]): number {
  const of = (label: number) => scores.filter((_, i) => labels[i] === label);
  const reals = of(0);
  const fakes = of(1);
  return fakes.reduce((sum, fake, i) => sum + (fake > reals[i]! ? 1 : fake === reals[i] ? 0.5 : 0), 0) / fakes.length;
}
