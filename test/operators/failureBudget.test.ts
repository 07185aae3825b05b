import fc from 'fast-check';
import { from, lastValueFrom, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { FailureBudgetExceeded, failureBudget } from '../../operators/index.js';
import { marbles } from './marbles.js';

const good = { ok: true, failures: [] };
const bad = { ok: false, failures: [new Error('x')] };
const saved = { ok: true, failures: [new Error('x'), new Error('y')] };

describe('failureBudget', () => {
  it('errors in place of the value that goes beyond the count', () => {
    marbles(({ hot, expectObservable }) => {
      const input = hot('   -g-b-s-g|', { g: good, b: bad, s: saved });
      const expected = '    -g-b-#';
      const error = new FailureBudgetExceeded(3, 5, '2');
      expectObservable(input.pipe(failureBudget({ maxCount: 2, maxRate: 1, minSamples: 0 }))).toBe(
        expected,
        { g: good, b: bad },
        error,
      );
    });
  });

  it('judges the rate only after enough samples, and says what happened', async () => {
    const run = (values: object[], minSamples: number) =>
      lastValueFrom(
        from(values as { ok: boolean; failures: Error[] }[]).pipe(
          failureBudget({ maxCount: 100, maxRate: 0.5, minSamples }),
        ),
      );
    await expect(run([bad, good, good], 1)).rejects.toThrow('1 of 1 items failed; at most a share of 0.5 may fail');
    expect(await run([bad, good, good], 2)).toBe(good); // 1 of 2 is not more than half
  });

  it('counts as it is told, going on from an earlier run', async () => {
    const seen: number[] = [];
    const run = from([1, 2, 3]).pipe(
      failureBudget({
        maxCount: 5,
        maxRate: 1,
        minSamples: 0,
        tally: (n) => ({ tried: n, failed: n }),
        before: { tried: 9, failed: 1 },
      }),
      tap((n) => seen.push(n)),
    );
    await expect(lastValueFrom(run)).rejects.toMatchObject({ name: 'FailureBudgetExceeded', failed: 7, tried: 15 });
    await expect(lastValueFrom(run)).rejects.toMatchObject({ failed: 7 }); // a subscription each counts for itself
    expect(seen).toEqual([1, 2, 1, 2]);
  });

  it('stops exactly where a plain count over the stream says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 60 }),
        fc.integer({ min: 0, max: 10 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 30 }),
        async (oks, maxCount, maxRate, minSamples) => {
          let passed = 0;
          const run = from(oks.map((ok) => (ok ? good : bad))).pipe(
            failureBudget({ maxCount, maxRate, minSamples }),
            tap(() => {
              passed += 1;
            }),
          );
          await lastValueFrom(run, { defaultValue: undefined }).catch(() => {});
          const breaks = oks.findIndex((_, i) => {
            const failed = oks.slice(0, i + 1).filter((ok) => !ok).length;
            return failed > maxCount || (i + 1 >= minSamples && failed > maxRate * (i + 1));
          });
          expect(passed).toBe(breaks < 0 ? oks.length : breaks);
        },
      ),
    );
  });
});
