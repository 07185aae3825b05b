import { describe, expect, it } from 'vitest';
import { batch, Credits, consume, keep, pull } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('keep', () => {
  it('filters', () => {
    marbles(({ hot, expectObservable }) => {
      const credits = new Credits(3);
      credits.request(3, () => {});
      const input = hot('   -a-b-a-|');
      const expected = '    -a---a-|';
      expectObservable(input.pipe(keep((value) => value === 'a', credits))).toBe(expected);
    });
  });

  it('gives the credit of what it drops back, so that the flow goes on', () => {
    const credits = new Credits(2);
    const seen: number[][] = [];
    pull([1, 2, 3, 4, 5, 6, 7, 8], credits)
      .pipe(
        keep((n) => n % 4 === 0, credits),
        batch(2),
        consume((pair: number[]) => [pair], { credits, cost: (pair) => pair.length }),
      )
      .subscribe((pair) => seen.push(pair));
    expect(seen).toEqual([[4, 8]]);
    expect(credits.outstanding).toBe(0);
  });
});
