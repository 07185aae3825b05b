import { describe, expect, it } from 'vitest';
import { progress } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('progress', () => {
  it('formats the first value, at most one per interval, and the last', () => {
    marbles(({ hot, expectObservable, flush, now }) => {
      const formatted: string[] = [];
      const format = (value: string) => {
        formatted.push(value);
        return value.toUpperCase();
      };
      const input = hot('   -abcd-e---fg---|');
      const expected = '    -A---' + '-E---F----(G|)';
      expectObservable(input.pipe(progress(format, { everyMs: 4, clock: now }))).toBe(expected);
      flush();
      expect(formatted).toEqual(['a', 'e', 'f', 'g']);
    });
  });

  it('does not repeat a last value that was already shown', () => {
    marbles(({ hot, expectObservable, now }) => {
      const input = hot('-a----b--|');
      const again = hot('-ab----c--|');
      const options = { everyMs: 4, clock: now };
      expectObservable(input.pipe(progress((value) => value, options))).toBe('-a----b--|');
      expectObservable(again.pipe(progress((value) => value, options))).toBe('-a-----c--|');
    });
  });
});
