import { describe, expect, it } from 'vitest';
import { keyedGenerator } from '../../../workers/index.js';

const N = 40_000;
const moments = (draw: () => number) => {
  const values = Array.from({ length: N }, draw);
  const mean = values.reduce((a, b) => a + b) / N;
  const central = (power: number): number => values.reduce((a, v) => a + (v - mean) ** power, 0) / N;
  return { mean, variance: central(2), third: central(3), fourth: central(4), values };
};

describe('keyedGenerator', () => {
  it('gives the numbers it has always given', () => {
    // Stored once; a change here changes every sample ever made from a seed.
    const random = keyedGenerator(42, 0, 17, 'clip', 'soften');
    expect([
      random.uniform(),
      random.uniform(32),
      random.between(-1, 1),
      random.integer(-3, 900),
      random.normal(),
      random.normal(10, 2),
      random.chance(0.5),
      random.pick(['a', 'b', 'c', 'd']),
    ]).toMatchInlineSnapshot(`
      [
        0.7283416453346836,
        0.030763937160372734,
        0.15384594233660143,
        310,
        0.392507099098626,
        11.584151160256488,
        true,
        "d",
      ]
    `);
  });

  it('depends on the key alone, and on where its parts end', () => {
    const first = (...key: (string | number)[]): number => keyedGenerator(...key).uniform();
    expect(first(1, 2, 'a')).toBe(first(1, 2, 'a'));
    const keys: (string | number)[][] = [
      [1, 2],
      [12],
      ['1', 2],
      [1, '2'],
      ['1,2'],
      [1, 2, ''],
      [2, 1],
      [1, -2],
      [1.5, 2],
    ];
    expect(new Set(keys.map((key) => first(...key))).size).toBe(keys.length);
  });

  it('has uniform moments with 53 and with 32 bits', () => {
    for (const bits of [53, 32] as const) {
      const random = keyedGenerator('uniform', bits);
      const { mean, variance, fourth, values } = moments(() => random.uniform(bits));
      expect(Math.abs(mean - 1 / 2)).toBeLessThan(4 * Math.sqrt(1 / 12 / N));
      expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
      expect(Math.abs(fourth - 1 / 80)).toBeLessThan(0.0006);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...values)).toBeLessThan(1);
    }
    const random = keyedGenerator('resolution');
    const fine = Array.from({ length: 64 }, () => random.uniform()).some((v) => (v * 2 ** 40) % 1 !== 0);
    expect(fine).toBe(true);
  });

  it('has normal moments', () => {
    const random = keyedGenerator('normal');
    const { mean, variance, third, fourth, values } = moments(() => random.normal(3, 2));
    expect(Math.abs(mean - 3)).toBeLessThan(0.04);
    expect(Math.abs(variance - 4)).toBeLessThan(0.12);
    expect(Math.abs(third)).toBeLessThan(0.5);
    expect(Math.abs(fourth / 16 - 3)).toBeLessThan(0.2);
    const within = values.filter((v) => Math.abs(v - 3) < 2).length / N;
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.01);
    // The second of a pair is not the first again.
    const pairs = keyedGenerator('pairs');
    let product = 0;
    for (let i = 0; i < N; i++) product += pairs.normal() * pairs.normal();
    expect(Math.abs(product / N)).toBeLessThan(0.02);
  });

  it('draws whole numbers without bias, ends included', () => {
    const random = keyedGenerator('integers');
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < N; i++) counts[random.integer(-3, 3) + 3]!++;
    // Chi squared with 6 degrees of freedom: 22.5 is exceeded once in a thousand.
    const expected = N / 7;
    expect(counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(22.5);
    expect(random.integer(5, 5)).toBe(5);
    expect(() => random.integer(2, 1)).toThrow(RangeError);
    expect(() => random.integer(0.5, 2)).toThrow(/whole numbers/);
  });

  it('gives unrelated streams for neighbouring keys', () => {
    const length = 2000;
    const stream = (key: number): number[] => {
      const random = keyedGenerator(7, 0, key, 'clip', 'stage');
      return Array.from({ length }, () => random.uniform() - 0.5);
    };
    for (let key = 0; key < 20; key++) {
      const [a, b] = [stream(key), stream(key + 1)];
      const correlation = a.reduce((sum, v, i) => sum + v * b[i]!, 0) / (length / 12);
      expect(Math.abs(correlation)).toBeLessThan(4.5 / Math.sqrt(length));
    }
    // Nor are the first numbers of many keys anything but uniform.
    const firsts = Array.from({ length: 5000 }, (_, key) => keyedGenerator(7, 0, key).uniform());
    expect(Math.abs(firsts.reduce((a, b) => a + b) / 5000 - 0.5)).toBeLessThan(0.017);
  });

  it('draws one number for a chance, whatever its probability', () => {
    const following = (probability: number): number => {
      const random = keyedGenerator('chance');
      random.chance(probability);
      return random.uniform();
    };
    expect(following(0)).toBe(following(1));
    const random = keyedGenerator('rate');
    const hits = Array.from({ length: N }, () => random.chance(0.3)).filter(Boolean).length;
    expect(Math.abs(hits / N - 0.3)).toBeLessThan(0.01);
    expect(keyedGenerator('never').chance(0)).toBe(false);
    expect(keyedGenerator('always').chance(1)).toBe(true);
  });

  it('refuses keys that say nothing', () => {
    expect(() => keyedGenerator()).toThrow('Expected at least one part for key');
    expect(() => keyedGenerator(Number.NaN)).toThrow('received NaN of type number');
    expect(() => keyedGenerator(undefined as never)).toThrow('received undefined of type undefined');
  });
});
