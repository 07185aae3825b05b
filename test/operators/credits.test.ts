import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Credits } from '../../operators/index.js';

describe('Credits', () => {
  it('serves waiters first come, first served, even if a later one asks for less', async () => {
    const credits = new Credits(3);
    const served: string[] = [];
    credits.request(3, () => served.push('a'));
    credits.request(2, () => served.push('b'));
    credits.request(1, () => served.push('c'));
    expect(served).toEqual(['a']);
    credits.give(1);
    expect(served).toEqual(['a']);
    credits.give(1);
    expect(served).toEqual(['a', 'b']);
    credits.give(1);
    expect(served).toEqual(['a', 'b', 'c']);
    expect(credits.outstanding).toBe(3);
  });

  it('lets those behind a withdrawn request through', () => {
    const credits = new Credits(2);
    const served: string[] = [];
    credits.request(1, () => served.push('a'));
    const withdraw = credits.request(2, () => served.push('b'));
    credits.request(1, () => served.push('c'));
    withdraw();
    withdraw();
    expect(served).toEqual(['a', 'c']);
  });

  it('take() rejects with the reason of an abort and takes nothing', async () => {
    const credits = new Credits(1);
    await credits.take();
    const controller = new AbortController();
    const taken = credits.take(1, controller.signal);
    controller.abort('enough');
    await expect(taken).rejects.toBe('enough');
    await expect(credits.take(1, controller.signal)).rejects.toBe('enough');
    credits.give();
    expect(credits.available).toBe(1);
  });

  it('take() takes its listener off the signal', async () => {
    const { signal } = new AbortController();
    await new Credits(1).take(1, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('refuses nonsense', async () => {
    expect(() => new Credits(0)).toThrow('Expected a positive integer for capacity but received 0 of type number');
    expect(() => new Credits(1.5)).toThrow(RangeError);
    expect(() => new Credits(2).give()).toThrow('Expected at most 0 credits to be given back but received 1');
    await expect(new Credits(2).take(3)).rejects.toThrow('Expected at most 2 credits (the capacity)');
  });

  it('never has more than its capacity outstanding, and serves everybody in the end', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.record({ count: fc.integer({ min: 1, max: 8 }), giveFirst: fc.boolean() }), { maxLength: 60 }),
        (capacity, steps) => {
          const credits = new Credits(capacity);
          const held: number[] = [];
          const order: number[] = [];
          steps.forEach(({ count, giveFirst }, index) => {
            if (giveFirst && held.length > 0) credits.give(held.shift());
            const wanted = Math.min(count, capacity);
            credits.request(wanted, () => {
              held.push(wanted);
              order.push(index);
            });
            expect(credits.outstanding).toBe(held.reduce((a, b) => a + b, 0));
            expect(credits.peak).toBeLessThanOrEqual(capacity);
          });
          while (held.length > 0) credits.give(held.shift());
          expect(order).toEqual(steps.map((_, index) => index));
          expect(credits.available).toBe(capacity);
        },
      ),
    );
  });
});
