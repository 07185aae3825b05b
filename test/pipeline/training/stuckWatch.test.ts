import { describe, expect, it } from 'vitest';
import { CallClock } from '../../../pipeline/training/callClock.js';
import { StuckError, stuckReason, watchForStuckCalls } from '../../../pipeline/training/stuckWatch.js';
import { timeLimits } from '../../../pipeline/training/timeLimits.js';

const SECOND = 1000;
const MINUTE = 60_000;

/** A clock that stands still, and calls on it. */
function actor() {
  let now = 0;
  const clock = new CallClock(() => now);
  const ends: (() => void)[] = [];
  const wait = (ms: number) => {
    now += ms;
  };
  return {
    clock,
    wait,
    ask: (name: string) => void clock.time(name, () => new Promise<void>((resolve) => ends.push(resolve))),
    /** The oldest call that has not ended ends. */
    async end() {
      ends.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
    },
    async call(name: string, ms: number) {
      this.ask(name);
      wait(ms);
      await this.end();
    },
  };
}

describe('CallClock', () => {
  it('times calls that are answered one after the other, each from when the actor came to it', async () => {
    const { clock, wait, ask, end } = actor();
    expect(clock.underWay).toBeUndefined();
    ask('micro');
    wait(10);
    ask('score');
    wait(5);
    expect(clock.underWay).toEqual({ name: 'micro', ms: 15 });
    await end();
    wait(3);
    expect(clock.underWay).toEqual({ name: 'score', ms: 3 });
    await end();
    expect([clock.usual('micro'), clock.usual('score'), clock.usual('save')]).toEqual([15, 3, undefined]);
  });

  it('counts a call that fails', async () => {
    let now = 0;
    const clock = new CallClock(() => now);
    const failing = clock.time('save', () => {
      now += 7;
      return Promise.reject(new Error('full'));
    });
    await expect(failing).rejects.toThrow('full');
    expect([clock.underWay, clock.usual('save')]).toEqual([undefined, 7]);
  });
});

describe('stuckReason', () => {
  const reasonOf = (clock: CallClock, share = 0) =>
    stuckReason({ calls: () => clock, budget: { share: () => share }, limits: timeLimits });

  it('gives a call ten minutes or twenty usual ones, whichever is more, and the first half an hour', async () => {
    const { clock, wait, ask } = actor();
    ask('start');
    wait(29 * MINUTE);
    expect(reasonOf(clock)).toBeUndefined();
    wait(MINUTE);
    expect(reasonOf(clock)).toBe('starting the engine has not ended after 30m00s');

    const quick = actor();
    for (const ms of [3, 5, 400]) await quick.call('micro', ms * SECOND);
    quick.ask('micro');
    quick.wait(10 * MINUTE - 1);
    expect(reasonOf(quick.clock)).toBeUndefined();
    quick.wait(1);
    expect(reasonOf(quick.clock)).toBe('a training step has not ended after 10m00s, where such take 5s');

    const slow = actor();
    await slow.call('micro', MINUTE);
    slow.ask('micro');
    slow.wait(19 * MINUTE);
    expect(reasonOf(slow.clock)).toBeUndefined();
    slow.wait(MINUTE);
    expect(reasonOf(slow.clock)).toMatch(/20m00s, where such take 1m00s$/);
  });

  it('gives it little more than usual once the money is spent, except to start', async () => {
    const micro = actor();
    await micro.call('micro', 20 * SECOND);
    micro.ask('micro');
    micro.wait(59 * SECOND);
    expect(reasonOf(micro.clock, 1)).toBeUndefined();
    micro.wait(SECOND);
    expect(reasonOf(micro.clock, 0.99)).toBeUndefined();
    expect(reasonOf(micro.clock, 1)).toMatch(/a training step has not ended after 1m00s, .*; the budget is spent$/);

    const score = actor();
    score.ask('score');
    score.wait(30 * SECOND);
    expect(reasonOf(score.clock, 1.2)).toMatch(/^scoring validation clips has not ended after 30s; the budget/);

    const late = actor();
    late.ask('start');
    late.wait(2 * MINUTE);
    expect(reasonOf(late.clock, 1)).toBeUndefined();
  });

  it('finds nothing where no call is under way', async () => {
    const idle = actor();
    await idle.call('save', 5);
    idle.wait(100 * MINUTE);
    expect(reasonOf(idle.clock, 2)).toBeUndefined();
    expect(stuckReason({ calls: () => undefined, budget: { share: () => 2 }, limits: timeLimits })).toBeUndefined();
  });
});

describe('watchForStuckCalls', () => {
  it('fails once a call is stuck, and not before', async () => {
    const { clock, ask } = actor();
    const broke = { share: () => 1 };
    const limits = { stuckMs: 1, firstStuckMs: 1, brokeMs: 0 };
    const idle = watchForStuckCalls({ calls: () => clock, budget: broke, limits });
    const quiet = await Promise.race([idle.stuck, new Promise((resolve) => setTimeout(resolve, 1500, 'quiet'))]);
    expect(quiet).toBe('quiet');
    ask('micro');
    await expect(idle.stuck).rejects.toBeInstanceOf(StuckError);
    idle.release();
  });
});
