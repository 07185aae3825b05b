import { describe, expect, it } from 'vitest';
import { ThreadTuner, type Totals, threadsFor } from '../../../workers/pool/threadTuner.js';

const nothing: Totals = {
  seconds: 0,
  processCpuSeconds: 0,
  made: 0,
  busySeconds: 0,
  poolCpuSeconds: 0,
  consumed: 0,
  waitSeconds: 0,
};

/**
 * A queueing model to tune: a trainer that takes `demand` pairs a second when it has them and uses `trainerCpu` cores
 * while it works, and threads that need `perPair` seconds for a pair. Whichever is slower sets the pace.
 */
class Machine {
  totals = nothing;
  constructor(
    public demand: number,
    public perPair: number,
    readonly trainerCpu = 1,
  ) {}

  run(seconds: number, threads: number): Totals {
    const pace = Math.min(this.demand, threads / this.perPair);
    const working = pace / this.demand;
    const busy = pace * this.perPair;
    const add = {
      seconds,
      processCpuSeconds: seconds * (busy + working * this.trainerCpu),
      made: seconds * pace,
      busySeconds: seconds * busy,
      poolCpuSeconds: seconds * busy,
      consumed: seconds * pace,
      waitSeconds: seconds * (1 - working),
    };
    this.totals = { ...this.totals };
    for (const key of Object.keys(add) as (keyof Totals)[]) this.totals[key] += add[key];
    return this.totals;
  }
}

/** Threads after each of some windows. */
function tune(tuner: ThreadTuner, machine: Machine, windows: number): number[] {
  tuner.observe(machine.totals);
  return Array.from({ length: windows }, () => {
    tuner.observe(machine.run(20, tuner.threads));
    return tuner.threads;
  });
}

describe('threadsFor', () => {
  const span = { ...nothing, seconds: 100, processCpuSeconds: 200, made: 400, busySeconds: 200, poolCpuSeconds: 200 };

  it('asks for what the trainer would take if it never waited, and a quarter more', () => {
    // 400 pairs in 50 s of work: 8 a second, at half a second each 4 threads, and one more for unevenness.
    expect(threadsFor({ ...span, consumed: 400, waitSeconds: 50 }, 64).wanted).toBe(5);
    expect(threadsFor({ ...span, consumed: 400, waitSeconds: 0 }, 64).wanted).toBe(3);
  });

  it('leaves the others the cores they use while they work, and at least one', () => {
    const hungry = { ...span, consumed: 400, waitSeconds: 90 };
    expect(threadsFor(hungry, 8)).toEqual({
      wanted: 7,
      reason: 'a pair takes 0.50 s, the trainer 40.0 pairs/s; 1 of 8 cores are left to it',
    });
    // 30 CPU seconds in 10 s of work are three cores.
    expect(threadsFor({ ...hungry, processCpuSeconds: 230 }, 8).wanted).toBe(5);
    expect(threadsFor({ ...hungry, processCpuSeconds: 9999 }, 8).wanted).toBe(1);
    expect(threadsFor(hungry, 1).wanted).toBe(1);
  });
});

describe('ThreadTuner', () => {
  it('leaves a core to the trainer from the start', () => {
    expect([1, 2, 3, 8, 64].map((cores) => new ThreadTuner(cores).maxThreads)).toEqual([1, 1, 2, 7, 63]);
    expect([1, 2, 3, 8, 64].map((cores) => new ThreadTuner(cores).threads)).toEqual([1, 1, 2, 4, 4]);
  });

  it('finds the number a trainer needs within a window and stays there', () => {
    expect(tune(new ThreadTuner(32), new Machine(20, 0.5), 5)).toEqual([13, 13, 13, 13, 13]);
  });

  it('stops at the cores that are left over', () => {
    expect(tune(new ThreadTuner(8), new Machine(100, 0.5), 4)).toEqual([7, 7, 7, 7]);
    expect(tune(new ThreadTuner(8), new Machine(100, 0.5, 2.5), 4)).toEqual([5, 5, 5, 5]);
  });

  it('gives threads back when the trainer is slow, but not for a single slow window', () => {
    const tuner = new ThreadTuner(32);
    const machine = new Machine(0.5, 0.5);
    expect(tune(tuner, machine, 4)).toEqual([4, 1, 1, 1]);
    const window = (demand: number) => {
      machine.demand = demand;
      tuner.observe(machine.run(20, tuner.threads));
      return tuner.threads;
    };
    expect([20, 20, 2, 20, 2, 3, 2].map(window)).toEqual([13, 13, 13, 13, 13, 2, 2]);
  });

  it('does not judge by a moment, by a few clips or by none', () => {
    const tuner = new ThreadTuner(32);
    const machine = new Machine(20, 0.5);
    tuner.observe(machine.totals);
    expect(tuner.observe(machine.run(9, 4))).toBeUndefined();
    expect(tuner.observe(machine.run(2, 4))?.threads).toBe(13);
    Object.assign(machine, { demand: 0.1, perPair: 60 });
    expect(tuner.observe(machine.run(60, 13))).toBeUndefined();
    expect(tuner.observe({ ...machine.totals, seconds: machine.totals.seconds + 60 })).toBeUndefined();
  });
});
