import { type Clock, monotonicClock } from './clock.js';

/** What a stage reports: an item arrived at its queue, its task started, its task finished. */
export type StageMeter = { arrived(): void; started(): void; finished(): void };

export type Throughput = {
  /** Items finished. */
  count: number;
  /** From the creation of the meter to the first arrival: start-up, counted neither as wait nor as work. */
  startUpMs: number;
  /** Since the first arrival. */
  elapsedMs: number;
  perSecond: number;
  /** Mean time from start to finish of an item (Little's law: mean in flight / rate). */
  meanTaskMs: number;
  /** Time in which the stage had nothing queued and nothing in flight: it could have worked and had no data. */
  waitMs: number;
  /** 1 − waitMs / elapsedMs: the share of time in which data was ready. */
  readiness: number;
  /** Means over time, and the largest queue seen. */
  meanQueued: number;
  maxQueued: number;
  meanInFlight: number;
};

/**
 * Counts what passes one stage, how long it takes, how full its queue is and how long it waited for data. Everything is
 * measured at the four moments when something changes, so it costs nothing in between and uses no timer.
 *
 * @example
 * const meter = new ThroughputMeter();
 * batches.pipe(consume(train, { inFlight: 2, credits, meter }));
 * meter.snapshot().readiness; // 0.998
 */
export class ThroughputMeter implements StageMeter {
  readonly #clock: Clock;
  readonly #created: number;
  #firstArrival: number | undefined;
  #last = 0;
  #count = 0;
  #queued = 0;
  #inFlight = 0;
  #maxQueued = 0;
  #waitMs = 0;
  #queuedArea = 0;
  #inFlightArea = 0;

  constructor(clock: Clock = monotonicClock) {
    this.#clock = clock;
    this.#created = clock();
  }

  arrived(): void {
    if (this.#firstArrival === undefined) {
      this.#firstArrival = this.#clock();
      this.#last = this.#firstArrival;
    }
    this.#advance();
    this.#queued += 1;
    this.#maxQueued = Math.max(this.#maxQueued, this.#queued);
  }

  started(): void {
    this.#advance();
    this.#queued -= 1;
    this.#inFlight += 1;
  }

  finished(): void {
    this.#advance();
    this.#inFlight -= 1;
    this.#count += 1;
  }

  /** The state now, an ongoing wait included. Differences of two snapshots describe the time between them. */
  snapshot(): Throughput {
    this.#advance();
    const now = this.#clock();
    const elapsedMs = this.#firstArrival === undefined ? 0 : this.#last - this.#firstArrival;
    const perElapsed = (area: number) => (elapsedMs > 0 ? area / elapsedMs : 0);
    return {
      count: this.#count,
      startUpMs: (this.#firstArrival ?? now) - this.#created,
      elapsedMs,
      perSecond: perElapsed(this.#count * 1000),
      meanTaskMs: this.#count > 0 ? this.#inFlightArea / this.#count : 0,
      waitMs: this.#waitMs,
      readiness: 1 - perElapsed(this.#waitMs),
      meanQueued: perElapsed(this.#queuedArea),
      maxQueued: this.#maxQueued,
      meanInFlight: perElapsed(this.#inFlightArea),
    };
  }

  #advance(): void {
    if (this.#firstArrival === undefined) return;
    const now = this.#clock();
    const passed = now - this.#last;
    this.#last = now;
    this.#queuedArea += passed * this.#queued;
    this.#inFlightArea += passed * this.#inFlight;
    if (this.#queued === 0 && this.#inFlight === 0) this.#waitMs += passed;
  }
}
