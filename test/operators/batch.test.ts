import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batch } from '../../operators/index.js';
import { marbles } from './marbles.js';

describe('batch', () => {
  it('emits a batch with its last item, and the incomplete one on completion', () => {
    marbles(({ hot, expectObservable }) => {
      const input = hot('   -a-b-c-|');
      const emitted = '     ---x---(y|)';
      const dropped = '     ---x---|';
      expectObservable(input.pipe(batch(2))).toBe(emitted, { x: ['a', 'b'], y: ['c'] });
      expectObservable(input.pipe(batch(2, { last: 'drop' }))).toBe(dropped, { x: ['a', 'b'] });
    });
  });

  it('hands over what it drops and refuses a size of none', async () => {
    const dropped: number[][] = [];
    await lastValueFrom(from([1, 2, 3, 4, 5]).pipe(batch(3, { last: 'drop', onDrop: (items) => dropped.push(items) })));
    expect(dropped).toEqual([[4, 5]]);
    expect(() => batch(0)).toThrow('Expected a positive integer for size but received 0 of type number');
  });

  it('neither loses nor reorders items', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer()), fc.integer({ min: 1, max: 9 }), async (items, size) => {
        const batches = await lastValueFrom(from(items).pipe(batch(size), toArray()));
        expect(batches.flat()).toEqual(items);
        expect(batches.every((group, i) => group.length === size || i === batches.length - 1)).toBe(true);
      }),
    );
  });
});
