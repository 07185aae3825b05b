import fc from 'fast-check';
import { concat, from, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Credits, prefetch, pull, ThroughputMeter } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('prefetch', () => {
  it('subscribes with the first request, and not twice', async () => {
    let subscriptions: unknown[] = [];
    marbles(({ hot, flush }) => {
      const input = hot('-a-|');
      void prefetch(input).next();
      flush();
      subscriptions = input.subscriptions;
    });
    expect(subscriptions).toEqual([{ subscribedFrame: 0, unsubscribedFrame: 3 }]);
    const input = new Subject<number>();
    prefetch(input);
    expect(input.observed).toBe(false);
  });

  it('reads ahead as far as credits go, and gives one back when the loop asks for more', async () => {
    const credits = new Credits(3);
    const pulled: number[] = [];
    let closed = false;
    async function* numbers() {
      try {
        for (let i = 0; ; i += 1) {
          pulled.push(i);
          yield i;
        }
      } finally {
        closed = true;
      }
    }
    for await (const n of prefetch(pull(numbers(), credits), { credits })) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(pulled).toHaveLength(n + 3);
      if (n === 4) break;
    }
    expect(closed).toBe(true);
  });

  it('throws an error of the stream after what came before it', async () => {
    const seen: number[] = [];
    const loop = async () => {
      for await (const n of prefetch(
        concat(
          from([1, 2]),
          throwError(() => new Error('cut')),
        ),
      ))
        seen.push(n);
    };
    await expect(loop()).rejects.toThrow('cut');
    expect(seen).toEqual([1, 2]);
  });

  it('keeps order, loses nothing and meters the loop, whatever is slow', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 5 }),
        async (scheduler, count, capacity) => {
          const credits = new Credits(capacity);
          const meter = new ThroughputMeter(() => 0);
          async function* numbers() {
            for (let i = 0; i < count; i += 1) {
              await scheduler.schedule(Promise.resolve(), 'source');
              yield i;
            }
          }
          const seen: number[] = [];
          const loop = (async () => {
            for await (const n of prefetch(pull(numbers(), credits), { credits, meter })) {
              await scheduler.schedule(Promise.resolve(), 'loop');
              seen.push(n);
            }
          })();
          await scheduler.waitFor(loop);
          expect(seen).toEqual(Array.from({ length: count }, (_, i) => i));
          expect(credits.outstanding).toBe(0);
          expect(meter.snapshot().count).toBe(count);
          expect(meter.snapshot().maxQueued).toBeLessThanOrEqual(capacity);
        },
      ),
    );
  });
});
