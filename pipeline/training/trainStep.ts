import type { MicroResult } from '../../model/index.js';
import { type MicroBatch, microKey } from './microBatch.js';
import type { TrainActorClient } from './trainActorClient.js';

/** What one optimiser step did; losses are means over its micro-batches. */
export type StepResult = {
  step: number;
  epoch: number;
  losses: MicroResult;
  lr: number;
  gradNorm: number;
  /** The gradient was not finite and the weights stayed as they were. */
  skipped: boolean;
  clips: number;
  /** In how many parts micro-batches are computed. */
  parts: number;
  /** Time in the train actor, and time in which the actor had nothing to do because no batch was ready. */
  stepMs: number;
  /** Share of the engine's peak of floating-point operations, where the step was recorded. */
  utilisation?: number;
  dataWaitMs: number;
};

/** Means over micro-batches; the HLL terms over those in which they were defined. */
export function meanLosses(parts: readonly MicroResult[]): MicroResult {
  const mean = (key: keyof MicroResult, among: readonly MicroResult[]) =>
    among.length === 0 ? 0 : among.reduce((sum, part) => sum + part[key], 0) / among.length;
  const defined = parts.filter((part) => part.hllDefined > 0);
  return {
    total: mean('total', parts),
    ce: mean('ce', parts),
    pair: mean('pair', parts),
    frame: mean('frame', parts),
    hll: mean('hll', defined),
    gap: mean('gap', defined),
    hllReal: mean('hllReal', defined),
    hllFake: mean('hllFake', defined),
    hllDefined: mean('hllDefined', parts),
  };
}

/**
 * Feeds micro-batches to the train actor one at a time and takes an optimiser step after each `gradAccum` of them.
 * Returns the step's result with its last micro-batch, undefined before that.
 */
export class TrainStep {
  #parts: MicroResult[] = [];
  #clips = 0;
  #stepMs = 0;
  #dataWaitMs = 0;
  #idleSince: number | undefined;
  /** The actor stages the clips of a next micro-batch while it computes. */
  #staging = false;
  /** The micro-batch whose clips the actor has already. */
  #sent: string | undefined;

  constructor(
    private readonly actor: TrainActorClient,
    private readonly gradAccum: number,
    private readonly seed: number,
    private readonly signal: AbortSignal,
    /** Told of every micro-batch, in order, just before its bytes are moved to the actor. */
    private readonly onMove: (batch: MicroBatch) => void = () => {},
  ) {}

  /** @param waiting the next micro-batch, if it is there already: its clips may go along with this one's */
  async take(
    batch: MicroBatch,
    waiting: () => MicroBatch | undefined = () => undefined,
  ): Promise<StepResult | undefined> {
    // The wait for the very first batch is start-up, not starvation.
    if (this.#idleSince !== undefined) this.#dataWaitMs += performance.now() - this.#idleSince;
    const { step, micro, epoch, clips, labels } = batch;
    const own = this.#sent !== microKey(batch) ? { clips } : {};
    if (own.clips) this.onMove(batch);
    const ahead = this.#staging ? waiting() : undefined;
    if (ahead) this.onMove(ahead);
    const next = ahead && { key: microKey(ahead), clips: ahead.clips };
    this.#sent = next?.key;
    const request = { ...own, labels, step, micro, seed: this.seed, ...(next ? { next } : {}) };
    const { result, parts, staging, ms } = await this.actor.micro(request);
    this.#staging = staging;
    this.#parts.push(result);
    this.#clips += labels.length;
    this.#stepMs += ms;
    // A stopped run forgets the begun step: its checkpoint is that of the last whole one.
    if (this.#parts.length < this.gradAccum || this.signal.aborted) {
      this.#idleSince = performance.now();
      return undefined;
    }
    const applied = await this.actor.apply(step);
    const done: StepResult = {
      step,
      epoch,
      losses: meanLosses(this.#parts),
      lr: applied.lr,
      gradNorm: applied.gradNorm,
      skipped: applied.skipped,
      utilisation: applied.utilisation,
      clips: this.#clips,
      parts,
      stepMs: this.#stepMs + applied.ms,
      dataWaitMs: this.#dataWaitMs,
    };
    this.#parts = [];
    this.#clips = this.#stepMs = this.#dataWaitMs = 0;
    return done;
  }

  /** To be called when all that follows a step (validation, checkpoint) is done: from here on, waiting is for data. */
  idle(): void {
    this.#idleSince = performance.now();
  }
}
