import fc from 'fast-check';
import { lastValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { orderedMap, retryThenQuarantine } from '../../operators/index.js';

describe('retryThenQuarantine', () => {
  const broken = (...names: string[]) => {
    return async (item: string) => {
      if (names.includes(item)) throw new Error(`${item} is broken`);
      return item.toUpperCase();
    };
  };

  it('puts the next candidate in the place of a broken one and carries the failures along', async () => {
    const task = retryThenQuarantine(
      (position: number) => [`a${position}`, `b${position}`, 'c'],
      broken('a1', 'b1', 'b0'),
      {
        attempts: 2,
      },
    );
    const results = await lastValueFrom(of(0, 1, 2).pipe(orderedMap(task, { concurrency: 3 }), toArray()));
    expect(results).toEqual([
      { ok: true, item: 'a0', value: 'A0', failures: [] },
      {
        ok: true,
        item: 'c',
        value: 'C',
        failures: [
          { item: 'a1', attempts: 2, error: new Error('a1 is broken') },
          { item: 'b1', attempts: 2, error: new Error('b1 is broken') },
        ],
      },
      { ok: true, item: 'a2', value: 'A2', failures: [] },
    ]);
  });

  it('ends when candidates run out, and after enough of an endless supply', async () => {
    const signal = new AbortController().signal;
    const few = retryThenQuarantine(() => ['x'], broken('x'));
    expect(await few(0, 0, signal)).toMatchObject({ ok: false, failures: [{ item: 'x' }] });
    let closed = false;
    function* endless() {
      try {
        while (true) yield 'x';
      } finally {
        closed = true;
      }
    }
    const outcome = await retryThenQuarantine(endless, broken('x'), { maxCandidates: 4 })(0, 0, signal);
    expect(outcome.failures).toHaveLength(4);
    expect(closed).toBe(true);
  });

  it('gives the same results and failures whatever finishes when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.array(fc.constantFrom('good', 'flaky', 'bad'), { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        async (scheduler, positions, concurrency) => {
          const flakes = new Map<object, number>();
          const task = retryThenQuarantine(
            (kinds: string[], index: number) => kinds.map((kind, place) => ({ kind, name: `${index}.${place}` })),
            async (item) => {
              await scheduler.schedule(Promise.resolve());
              const calls = (flakes.get(item) ?? 0) + 1;
              flakes.set(item, calls);
              if (item.kind === 'bad') throw new Error('bad');
              if (item.kind === 'flaky' && calls === 1) throw new Error('died');
              return item.name;
            },
            { isRetryable: (error) => (error as Error).message === 'died' },
          );
          const run = lastValueFrom(of(...positions).pipe(orderedMap(task, { concurrency }), toArray()));
          const results = await scheduler.waitFor(run);
          const got = results.map((r) => [r.ok && r.value, r.failures.map((f) => `${f.item.name} ${f.attempts}`)]);
          const expected = positions.map((kinds, index) => {
            const winner = kinds.findIndex((kind) => kind !== 'bad');
            const lost = winner < 0 ? kinds.length : winner;
            return [winner >= 0 && `${index}.${winner}`, Array.from({ length: lost }, (_, i) => `${index}.${i} 1`)];
          });
          expect(got).toEqual(expected);
        },
      ),
    );
  });
});
