import fc from 'fast-check';
import { lastValueFrom, Subject, take, takeUntil, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  batch,
  consume,
  failureBudget,
  flowCredits,
  keep,
  orderedMap,
  pull,
  retryThenQuarantine,
  ThroughputMeter,
} from '../../operators/index.js';

/** What a whole flow did: pull → parallel task with substitutes → batches → consumer. */
function wholeFlow(options: { concurrency: number; batchSize: number; inFlight: number; queued: number }) {
  const credits = flowCredits(options);
  const seen = { pulled: 0, returned: 0, running: 0, mostRunning: 0, alive: 0, mostAlive: 0 };
  async function* positions(count: number) {
    try {
      for (let i = 0; i < count; i += 1) {
        seen.pulled += 1;
        seen.alive += 1;
        seen.mostAlive = Math.max(seen.mostAlive, seen.alive);
        yield i;
      }
    } finally {
      seen.returned += 1;
    }
  }
  const run = (
    count: number,
    work: (position: number, signal: AbortSignal) => Promise<number>,
    use: (items: number[]) => Promise<number[]>,
  ) =>
    pull(positions(count), credits).pipe(
      orderedMap(
        retryThenQuarantine(
          (position: number) => [position],
          async (position, signal) => {
            seen.running += 1;
            seen.mostRunning = Math.max(seen.mostRunning, seen.running);
            try {
              return await work(position, signal);
            } finally {
              seen.running -= 1;
            }
          },
          { attempts: 1 },
        ),
        { concurrency: options.concurrency },
      ),
      failureBudget({ maxCount: 1000, maxRate: 1, minSamples: 0 }),
      tap((result) => {
        if (!result.ok) seen.alive -= 1;
      }),
      keep((result) => result.ok, credits),
      batch(options.batchSize),
      consume((results) => use(results.map((result) => result.value)), {
        inFlight: options.inFlight,
        credits,
        cost: (results) => results.length,
      }),
      tap((items) => {
        seen.alive -= items.length;
      }),
    );
  return { credits, seen, run };
}

const shapes = fc.record({
  concurrency: fc.integer({ min: 1, max: 5 }),
  batchSize: fc.integer({ min: 1, max: 5 }),
  inFlight: fc.integer({ min: 1, max: 3 }),
  queued: fc.integer({ min: 0, max: 3 }),
});

describe('a whole flow', () => {
  it('keeps order, loses and duplicates nothing but the broken, and never exceeds its bounds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        shapes,
        fc.array(fc.constantFrom(false, false, false, true), { maxLength: 40 }),
        async (scheduler, shape, broken) => {
          const { credits, seen, run } = wholeFlow(shape);
          let consuming = 0;
          const batches = run(
            broken.length,
            async (position) => {
              await scheduler.schedule(Promise.resolve(), `work ${position}`);
              if (broken[position]) throw new Error('broken');
              return position;
            },
            async (items) => {
              consuming += 1;
              expect(consuming).toBeLessThanOrEqual(shape.inFlight);
              await scheduler.schedule(Promise.resolve(), `use ${items}`);
              consuming -= 1;
              return items;
            },
          );
          const got = await scheduler.waitFor(lastValueFrom(batches.pipe(toArray())));
          const good = broken.flatMap((bad, position) => (bad ? [] : [position]));
          expect(got.flat()).toEqual(good);
          expect(got.slice(0, -1).every((items) => items.length === shape.batchSize)).toBe(true);
          expect(seen.mostRunning).toBeLessThanOrEqual(shape.concurrency);
          expect(seen.mostAlive).toBeLessThanOrEqual(credits.capacity);
          expect([seen.running, seen.alive, seen.returned, credits.outstanding]).toEqual([0, 0, 1, 0]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('cancelled at any point, aborts all work, closes the source and starts nothing more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), shapes, fc.integer({ min: 0, max: 60 }), async (scheduler, shape, when) => {
        const { seen, run } = wholeFlow(shape);
        const signals = new Set<AbortSignal>();
        const cancel = new Subject<void>();
        let used = 0;
        const done = lastValueFrom(
          run(
            1_000_000,
            async (position, signal) => {
              signals.add(signal);
              await scheduler.schedule(Promise.resolve());
              signals.delete(signal);
              return position;
            },
            async (items) => {
              used += 1;
              await scheduler.schedule(Promise.resolve());
              return items;
            },
          ).pipe(takeUntil(cancel)),
          { defaultValue: [] },
        );
        for (let i = 0; i < when; i += 1) {
          await turn();
          if (scheduler.count() > 0) await scheduler.waitOne();
        }
        await turn();
        cancel.next();
        await done;
        const { pulled } = seen;
        const usedBefore = used;
        for (const signal of signals) expect(signal.aborted).toBe(true);
        await turn();
        await scheduler.waitAll();
        await turn();
        expect([seen.pulled, seen.returned, used, seen.running]).toEqual([pulled, 1, usedBefore, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it('stops pulling when the consumer stalls, and goes on when it does', async () => {
    const { credits, seen, run } = wholeFlow({ concurrency: 3, batchSize: 4, inFlight: 1, queued: 2 });
    let release: () => void = () => {};
    const stalled = new Promise<void>((resolve) => {
      release = resolve;
    });
    const got = lastValueFrom(
      run(
        200,
        async (position) => position,
        async (items) => {
          await stalled;
          return items;
        },
      ).pipe(toArray()),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(credits.capacity).toBe(3 + 4 * (1 + 2));
    expect(seen.pulled).toBe(credits.capacity);
    release();
    expect((await got).flat()).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(seen.mostAlive).toBe(credits.capacity);
  });

  it('keeps memory flat while a consumer stalls with large items', async () => {
    const credits = flowCredits({ concurrency: 2, batchSize: 2, inFlight: 1, queued: 1 });
    const megabyte = 1_048_576;
    let made = 0;
    function* frames() {
      while (true) {
        made += 1;
        yield Buffer.alloc(megabyte, made);
      }
    }
    const before = process.memoryUsage().arrayBuffers;
    const subscription = pull(frames(), credits)
      .pipe(
        orderedMap(async (frame: Buffer) => frame, { concurrency: 2 }),
        batch(2),
        consume(() => new Promise(() => {}), { credits, cost: (frames) => frames.length }),
      )
      .subscribe();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const grown = process.memoryUsage().arrayBuffers - before;
    subscription.unsubscribe();
    expect(made).toBe(credits.capacity);
    expect(grown / megabyte).toBeLessThanOrEqual(credits.capacity + 1);
  });

  it('leaves no timer or handle behind, finished, failed or cancelled', async () => {
    const active = () => process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
    const before = active();
    const flow = (fails: boolean) => {
      const credits = flowCredits({ concurrency: 2 });
      const meter = new ThroughputMeter();
      async function* numbers() {
        for (let i = 0; i < 20; i += 1) yield i;
      }
      return pull(numbers(), credits).pipe(
        orderedMap(
          retryThenQuarantine(
            (n: number) => [n],
            async (n) => {
              if (fails && n === 7) throw new Error('broken');
              await turn();
              return n;
            },
            { stallMs: 600_000 },
          ),
          { concurrency: 2, meter },
        ),
        failureBudget({ maxCount: 0, maxRate: 0, minSamples: 0 }),
        consume(async (result) => result, { credits }),
      );
    };
    expect(await lastValueFrom(flow(false).pipe(toArray()))).toHaveLength(20);
    await expect(lastValueFrom(flow(true))).rejects.toThrow('1 of 8 items failed');
    for (const count of [1, 5, 19]) await lastValueFrom(flow(false).pipe(take(count)));
    await turn();
    expect(active()).toEqual(before);
  });

  it('says so when the consumer never waits', async () => {
    let now = 0;
    const meter = new ThroughputMeter(() => now);
    const credits = flowCredits({ concurrency: 1, queued: 2 });
    await lastValueFrom(
      pull(Array(50).keys(), credits).pipe(
        consume(
          async (n: number) => {
            now += 10;
            return n;
          },
          { credits, meter },
        ),
      ),
    );
    expect(meter.snapshot()).toMatchObject({ count: 50, readiness: 1, waitMs: 0, elapsedMs: 500 });
  });
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
