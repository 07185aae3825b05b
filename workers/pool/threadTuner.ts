/** Running totals since a pool began; the tuner looks at their growth. */
export type Totals = {
  /** Wall clock. */
  seconds: number;
  /** CPU time of the whole process, all threads. */
  processCpuSeconds: number;
  /** Pairs the pool has made, and for how long its threads were at work on them. */
  made: number;
  busySeconds: number;
  /** CPU time of the pool's threads; where the platform cannot tell, their busy time. */
  poolCpuSeconds: number;
  /** Pairs the consumer has taken, and for how long it stood still because there were none. */
  consumed: number;
  waitSeconds: number;
};

export type Tuning = { threads: number; reason: string };

/** Shorter spans say more about single clips than about the load. */
const WINDOW_SECONDS = 10;
/** Capacity beyond what the consumer takes on average, for clips that take longer than others. */
const HEADROOM = 1.25;

/**
 * How many threads a pool needs, measured: enough to make pairs as fast as the consumer would take them if it never
 * waited, and no more than the cores that consumer and main thread leave over. A trainer whose own thread has to queue
 * for a core launches its kernels late, and a data loader that takes every core makes itself the bottleneck (Hira et
 * al., SPDL, 2025). Threads above the need would only cost memory: the flow's credits hold them back anyway.
 *
 * It decides from plain numbers and touches nothing. Growing happens at once, shrinking after two windows agree.
 */
export class ThreadTuner {
  /** One core is the consumer's, always. */
  readonly maxThreads: number;
  #threads: number;
  #from: Totals | undefined;
  /** The last window's verdict, when that was to shrink. */
  #shrinkTo: number | undefined;

  constructor(private readonly cores: number) {
    this.maxThreads = Math.max(1, cores - 1);
    this.#threads = Math.min(this.maxThreads, 4);
  }

  get threads(): number {
    return this.#threads;
  }

  /** Takes the totals at any time; a change of the number of threads, when a window has ended that asks for one. */
  observe(totals: Totals): Tuning | undefined {
    this.#from ??= totals;
    const growth = { ...totals };
    for (const key of Object.keys(totals) as (keyof Totals)[]) growth[key] -= this.#from[key];
    if (growth.seconds < WINDOW_SECONDS || growth.made < 2 * this.#threads || growth.consumed < 1) return undefined;
    this.#from = totals;
    const { wanted, reason } = threadsFor(growth, this.cores);
    const agreed = wanted >= this.#threads ? wanted : this.#shrinkTo && Math.max(wanted, this.#shrinkTo);
    this.#shrinkTo = wanted < this.#threads ? wanted : undefined;
    if (agreed === undefined || agreed === this.#threads) return undefined;
    this.#threads = agreed;
    return { threads: agreed, reason };
  }
}

/** The number of threads that suits a span of time, and why. */
export function threadsFor(span: Totals, cores: number): { wanted: number; reason: string } {
  const consuming = Math.max(span.seconds - span.waitSeconds, 1e-3);
  const demand = span.consumed / consuming;
  const perPair = span.busySeconds / span.made;
  const others = Math.max(1, (span.processCpuSeconds - span.poolCpuSeconds) / consuming);
  const room = Math.max(1, Math.floor(cores - others));
  const need = Math.max(1, Math.ceil(HEADROOM * demand * perPair));
  const measured = `a pair takes ${perPair.toFixed(2)} s, the trainer ${demand.toFixed(1)} pairs/s`;
  return need <= room
    ? { wanted: need, reason: measured }
    : { wanted: room, reason: `${measured}; ${(cores - room).toFixed(0)} of ${cores} cores are left to it` };
}
