import { concatMap, delay, lastValueFrom, of, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Credits, pull } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('pull', () => {
  it('emits while credits last, then one item for each credit given back', () => {
    marbles(({ cold, expectObservable }) => {
      const credits = new Credits(2);
      cold('-----a-b-c').subscribe(() => credits.give());
      // Two at once, then one for each credit; the third credit finds the end.
      expectObservable(pull('wxyz', credits)).toBe('(wx)-y-z-|');
    });
  });

  it('completes without a credit left over', async () => {
    const credits = new Credits(5);
    expect(await lastValueFrom(pull([1, 2, 3], credits).pipe(toArray()))).toEqual([1, 2, 3]);
    expect(credits.outstanding).toBe(3);
  });

  it('reads an async generator one item per credit and no further', async () => {
    const credits = new Credits(2);
    let made = 0;
    async function* numbers() {
      while (true) yield made++;
    }
    const seen: number[] = [];
    const subscription = pull(numbers(), credits).subscribe((value) => seen.push(value));
    await settled();
    expect([made, seen]).toEqual([2, [0, 1]]);
    credits.give();
    await settled();
    expect([made, seen]).toEqual([3, [0, 1, 2]]);
    subscription.unsubscribe();
  });

  it.each(['sync', 'async'])('runs the finally of a %s generator when cancelled', async (kind) => {
    let cleaned = 0;
    function* numbers() {
      try {
        for (let i = 0; ; i += 1) yield i;
      } finally {
        cleaned += 1;
      }
    }
    async function* slowNumbers() {
      yield* numbers();
    }
    const credits = new Credits(3);
    const source = kind === 'sync' ? numbers() : slowNumbers();
    expect(await lastValueFrom(pull<number>(source, credits).pipe(take(2), toArray()))).toEqual([0, 1]);
    await settled();
    expect(cleaned).toBe(1);
  });

  it('returns a generator that cancels its own flow while it runs', () => {
    let cleaned = false;
    const stop = { now: () => {} };
    function* numbers() {
      try {
        yield 1;
        stop.now();
        yield 2;
        yield 3;
      } finally {
        cleaned = true;
      }
    }
    const seen: number[] = [];
    const gate = new Credits(2);
    gate.request(2, () => {});
    const subscription = pull(numbers(), gate).subscribe((value) => seen.push(value));
    stop.now = () => subscription.unsubscribe();
    gate.give(); // 1
    gate.give(); // the generator unsubscribes before it yields 2
    expect(seen).toEqual([1]);
    expect(cleaned).toBe(true);
    expect(gate.outstanding).toBe(1); // the one that item 1 carries
  });

  it('gives the credit of an item that arrives after the cancel back', async () => {
    const credits = new Credits(1);
    let deliver: (step: IteratorResult<number>) => void = () => {};
    let returned = 0;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve) => {
            deliver = resolve;
          }),
        return: async () => {
          returned += 1;
          return { done: true, value: undefined };
        },
      }),
    };
    const seen: number[] = [];
    const subscription = pull(source, credits).subscribe((value) => seen.push(value));
    subscription.unsubscribe();
    expect(returned).toBe(1);
    expect(credits.outstanding).toBe(1);
    deliver({ done: false, value: 7 });
    await settled();
    expect(seen).toEqual([]);
    expect(credits.outstanding).toBe(0);
  });

  it('asks for nothing more once cancelled', () => {
    const credits = new Credits(1);
    let asked = 0;
    const source: Iterable<number> = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: asked++ }) }) };
    const subscription = pull(source, credits).subscribe();
    subscription.unsubscribe();
    credits.give();
    expect([asked, credits.available]).toEqual([1, 1]);
  });

  it('passes on what the source throws and does not call return() then', async () => {
    const credits = new Credits(3);
    async function* numbers() {
      yield 1;
      throw new Error('disk gone');
    }
    await expect(lastValueFrom(pull(numbers(), credits))).rejects.toThrow('disk gone');
    expect(credits.outstanding).toBe(1);
    let returned = 0;
    const brokenBy = (next: () => never | Promise<never>) => ({
      next,
      return: () => {
        returned += 1;
        return { done: true as const, value: undefined };
      },
    });
    const sync = brokenBy(() => {
      throw new Error('at once');
    });
    const later = brokenBy(() => Promise.reject(new Error('later')));
    await expect(
      lastValueFrom(pull({ [Symbol.iterator]: () => sync as unknown as Iterator<number> }, credits)),
    ).rejects.toThrow('at once');
    await expect(
      lastValueFrom(pull({ [Symbol.asyncIterator]: () => later as unknown as AsyncIterator<number> }, credits)),
    ).rejects.toThrow('later');
    expect(returned).toBe(0);
  });

  it('survives a hundred thousand credits given back synchronously', async () => {
    const credits = new Credits(1);
    let count = 0;
    pull(range(100_000), credits).subscribe(() => {
      count += 1;
      credits.give();
    });
    expect(count).toBe(100_000);
  });

  it('shares credits between two flows', async () => {
    const credits = new Credits(2);
    const busy = { now: 0, most: 0 };
    const flow = (source: Iterable<number>) =>
      lastValueFrom(
        pull(source, credits).pipe(
          concatMap((value) => {
            busy.now += 1;
            busy.most = Math.max(busy.most, busy.now);
            return of(value).pipe(delay(1));
          }),
          concatMap(async (value) => {
            busy.now -= 1;
            credits.give();
            return value;
          }),
          toArray(),
        ),
      );
    const [a, b] = await Promise.all([flow(range(20)), flow(range(20))]);
    expect([a.length, b.length]).toEqual([20, 20]);
    expect(busy.most).toBeLessThanOrEqual(2);
    expect(credits.outstanding).toBe(0);
  });
});

function* range(count: number): Generator<number> {
  for (let i = 0; i < count; i += 1) yield i;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
