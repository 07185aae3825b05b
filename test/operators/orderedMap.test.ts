import fc from 'fast-check';
import { EMPTY, lastValueFrom, NEVER, type Observable, of, Subject, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { orderedMap } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('orderedMap', () => {
  it('keeps input order when later tasks are faster, and runs no more than allowed at once', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a = cold('      -----A');
      const b = cold('       -B');
      const c = cold('        -C');
      const input = hot('   -abc-------|');
      const expected = '    ------(ABC)|';
      const inner: Record<string, Observable<string>> = { a, b, c };
      expectObservable(input.pipe(orderedMap((name) => inner[name]!, { concurrency: 2 }))).toBe(expected);
      expectSubscriptions(b.subscriptions).toBe('--^!');
      expectSubscriptions(c.subscriptions).toBe('---^!');
    });
  });

  it('emits what came before a failed task, then its error, and aborts what came after', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a = cold('      -----A');
      const b = cold('       --#');
      const c = cold('        --------C');
      const input = hot('   -abcd------|');
      const inputUntil = '  ^---!';
      const expected = '    ------(A#)';
      const inner: Record<string, Observable<string>> = { a, b, c };
      expectObservable(input.pipe(orderedMap((name) => inner[name]!, { concurrency: 3 }))).toBe(expected);
      expectSubscriptions(input.subscriptions).toBe(inputUntil);
      expectSubscriptions(c.subscriptions).toBe('---^!');
    });
  });

  it('prefers the failure that is first in order over the one that is first in time', async () => {
    const tasks = [0, 1, 2].map(() => new Subject<number>());
    const outcome = lastValueFrom(
      of(0, 1, 2).pipe(
        orderedMap((index) => tasks[index]!, { concurrency: 3 }),
        toArray(),
      ),
    );
    tasks[2]?.error(new Error('third'));
    tasks[1]?.error(new Error('second'));
    tasks[0]?.next(0);
    await expect(outcome).rejects.toThrow('second');
  });

  it('emits all results before an error of the source', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const inner: Record<string, Observable<string>> = { a: cold('----A'), b: cold('---B') };
      const input = hot('   -a-b#');
      const expected = '    -----A(B#)';
      expectObservable(input.pipe(orderedMap((name) => inner[name]!, { concurrency: 2 }))).toBe(expected);
    });
  });

  it('aborts the running tasks when unsubscribed, starts no others and lets the source go', () => {
    const input = new Subject<number>();
    const signals: AbortSignal[] = [];
    const subscription = input
      .pipe(
        orderedMap(
          (_value, _index, signal) => {
            signals.push(signal);
            return NEVER;
          },
          { concurrency: 2 },
        ),
      )
      .subscribe();
    for (const value of [1, 2, 3]) input.next(value);
    subscription.unsubscribe();
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
    expect(input.observed).toBe(false);
  });

  it('does not emit a result while another one is being emitted', () => {
    const tasks = [new Subject<number>(), new Subject<number>()];
    const log: string[] = [];
    of(0, 1)
      .pipe(orderedMap((index) => tasks[index]!, { concurrency: 2 }))
      .subscribe((result) => {
        log.push(`${result} begins`);
        if (result === 0) tasks[1]?.next(1);
        log.push(`${result} ends`);
      });
    tasks[0]?.next(0);
    expect(log).toEqual(['0 begins', '0 ends', '1 begins', '1 ends']);
  });

  it('does not abort a task that has finished', async () => {
    const signals: AbortSignal[] = [];
    await lastValueFrom(
      of(1, 2).pipe(
        orderedMap(
          async (value, _index, signal) => {
            signals.push(signal);
            return value;
          },
          { concurrency: 1 },
        ),
      ),
    );
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
  });

  it('turns a task that throws, ends without a value or returns nonsense into an error of the stream', async () => {
    const run = (task: () => Observable<number>) => lastValueFrom(of(1).pipe(orderedMap(task, { concurrency: 1 })));
    await expect(
      run(() => {
        throw new Error('thrown');
      }),
    ).rejects.toThrow('thrown');
    await expect(run(() => EMPTY)).rejects.toThrow('no elements in sequence');
    await expect(run(() => 5 as unknown as Observable<number>)).rejects.toThrow(TypeError);
    await expect(run(() => throwError(() => new Error('failed')))).rejects.toThrow('failed');
    expect(() => orderedMap(() => EMPTY, { concurrency: 0 })).toThrow(
      'Expected a positive integer for concurrency but received 0 of type number',
    );
  });

  it('keeps order, loses nothing and duplicates nothing, whatever finishes when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer({ min: 0, max: 1 }).map(Boolean), { maxLength: 30 }),
        fc.integer({ min: 1, max: 6 }),
        async (scheduler, fails, concurrency) => {
          let running = 0;
          let most = 0;
          const results: number[] = [];
          let failure: unknown;
          const firstFailure = fails.indexOf(true);
          const done = new Promise<void>((resolve) => {
            const input = new Subject<boolean>();
            input
              .pipe(
                orderedMap(
                  async (fail, index) => {
                    running += 1;
                    most = Math.max(most, running);
                    await scheduler.schedule(Promise.resolve(), `task ${index}`);
                    running -= 1;
                    if (fail) throw index;
                    return index;
                  },
                  { concurrency },
                ),
              )
              .subscribe({
                next: (index) => results.push(index),
                error: (error) => {
                  failure = error;
                  resolve();
                },
                complete: resolve,
              });
            for (const fail of fails) input.next(fail);
            input.complete();
          });
          await scheduler.waitFor(done);
          const expected = firstFailure < 0 ? fails.length : firstFailure;
          expect(results).toEqual(Array.from({ length: expected }, (_, index) => index));
          expect(failure).toBe(firstFailure < 0 ? undefined : firstFailure);
          expect(most).toBeLessThanOrEqual(concurrency);
        },
      ),
    );
  });
});
