import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attempt, StalledError } from '../../operators/index.js';

class ActorDied extends Error {}

describe('attempt', () => {
  it('tries again after a retryable error and tells of it', async () => {
    const failures: unknown[] = [];
    let now = 0;
    const outcome = await attempt(
      'clip',
      async (item) => {
        now += 7;
        if (now < 10) throw new ActorDied('exit code 9');
        return item.length;
      },
      {
        isRetryable: (error) => error instanceof ActorDied,
        onFailure: ({ item, attempt, elapsedMs }) => failures.push([item, attempt, elapsedMs]),
        clock: () => now,
      },
    );
    expect(outcome).toEqual({ ok: true, item: 'clip', value: 4, attempts: 2 });
    expect(failures).toEqual([['clip', 1, 7]]);
  });

  it('gives up after the last attempt, and at once when trying again cannot help', async () => {
    const died = new ActorDied('again');
    const broken = new Error('bad checksum');
    const isRetryable = (error: unknown) => error instanceof ActorDied;
    const failing = (error: Error) => () => Promise.reject(error);
    expect(await attempt(1, failing(died), { attempts: 3, isRetryable })).toEqual({
      ok: false,
      item: 1,
      error: died,
      attempts: 3,
    });
    expect(await attempt(1, failing(broken), { attempts: 3, isRetryable })).toEqual({
      ok: false,
      item: 1,
      error: broken,
      attempts: 1,
    });
    const thrown = await attempt(1, () => {
      throw broken;
    });
    expect(thrown).toMatchObject({ ok: false, error: broken, attempts: 2 });
  });

  it('rejects on abort, even from a task that does not listen, and makes no failure of it', async () => {
    const controller = new AbortController();
    const inner: AbortSignal[] = [];
    const outcome = attempt(
      1,
      (_item, signal) => {
        inner.push(signal);
        return new Promise(() => {});
      },
      { onFailure: () => expect.unreachable() },
      controller.signal,
    );
    controller.abort(new Error('stopped'));
    await expect(outcome).rejects.toThrow('stopped');
    expect(inner.map((signal) => signal.aborted)).toEqual([true]);
    await expect(attempt(1, async () => 1, {}, controller.signal)).rejects.toThrow('stopped');
  });

  describe('with a stall limit', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('aborts an attempt that gives no answer, and retries it', async () => {
      let calls = 0;
      const outcome = attempt(
        'clip',
        (_item, signal) => {
          calls += 1;
          if (calls === 2) return Promise.resolve('fine');
          return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
        { stallMs: 100, isRetryable: () => false },
      );
      await vi.advanceTimersByTimeAsync(99);
      expect(calls).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(await outcome).toEqual({ ok: true, item: 'clip', value: 'fine', attempts: 2 });
      expect(vi.getTimerCount()).toBe(0);
    });

    it('reports the stall and leaves no timer, on an abort neither', async () => {
      const stuck = attempt('clip', () => new Promise(() => {}), { stallMs: 100, attempts: 1 });
      const controller = new AbortController();
      const cancelled = attempt('clip', () => new Promise(() => {}), { stallMs: 500 }, controller.signal);
      await vi.advanceTimersByTimeAsync(100);
      expect(await stuck).toMatchObject({ ok: false, error: new StalledError(100) });
      controller.abort(new Error('stopped'));
      await expect(cancelled).rejects.toThrow('stopped');
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});
