import fc from 'fast-check';
import { lastValueFrom, take, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batch, consume, FlowPosition, flowCredits, orderedMap, pull } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('FlowPosition', () => {
  it('counts before whoever is downstream sees a value, and passes everything on in time', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const position = new FlowPosition(10);
      const seen: number[] = [];
      const input = hot('-a-(bc)-d-|', { a: 1, b: 2, c: 0, d: 4 });
      const counted = input.pipe(position.count((n) => n)).pipe(tap(() => seen.push(position.consumed)));
      expectObservable(counted).toBe('-a-(bc)-d-|', { a: 1, b: 2, c: 0, d: 4 });
      expectSubscriptions(input.subscriptions).toBe('^---------!');
      flush();
      expect(seen).toEqual([11, 13, 13, 17]);
    });
  });

  it('goes on exactly where any number of interrupted runs stopped: nothing lost, nothing twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
        fc.boolean(),
        async (scheduler, count, concurrency, size, cuts, asynchronous) => {
          const items = Array.from({ length: count }, (_, i) => i);
          async function* slowly() {
            yield* items;
          }
          const consumed: number[] = [];
          let stored = 0;
          for (const cut of [...cuts, Number.POSITIVE_INFINITY]) {
            const position = new FlowPosition(stored);
            const credits = flowCredits({ concurrency, batchSize: size, queued: 1 });
            const rest = asynchronous ? position.remaining(slowly()) : position.remaining(items);
            const flow = pull(rest, credits).pipe(
              orderedMap(
                async (item) => {
                  await scheduler.schedule(Promise.resolve());
                  return item;
                },
                { concurrency },
              ),
              batch(size),
              consume(async (group: number[]) => group, { credits, cost: (group) => group.length }),
              position.count((group) => group.length),
              take(cut),
              toArray(),
            );
            const groups = await scheduler.waitFor(lastValueFrom(flow));
            consumed.push(...groups.flat());
            expect(position.consumed).toBe(consumed.length);
            stored = position.consumed;
          }
          expect(consumed).toEqual(items);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuses positions that are none', () => {
    for (const nonsense of [-1, 0.5, Number.NaN]) expect(() => new FlowPosition(nonsense)).toThrow(RangeError);
  });
});
