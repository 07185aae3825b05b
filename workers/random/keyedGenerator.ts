import { createHash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of seeded random numbers; the only source of chance in a sample. */
export type Random = {
  /** Uniform in [0, 1). `bits` 53 (default) fills a double; 32 is twice as fast and enough for noise fields. */
  uniform(bits?: 53 | 32): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Whole number from `low` to `high`, both included, every one equally likely. */
  integer(low: number, high: number): number;
  normal(mean?: number, standardDeviation?: number): number;
  /** True with probability `probability`; draws exactly one number whatever the probability. */
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
};

const TWO_POW_26 = 2 ** 26;
const TWO_POW_32 = 2 ** 32;
const TWO_POW_53 = 2 ** 53;

/**
 * A generator whose numbers depend on its key alone, not on what was drawn before it was made or elsewhere: the key's
 * SHA-256 digest becomes the state of xoroshiro128+ (Blackman & Vigna 2018). Two keys that differ in any part, or in
 * where one part ends and the next begins, give unrelated streams.
 *
 * @throws TypeError for an empty key or a part that is neither a string nor a finite number
 */
export function keyedGenerator(...key: (string | number)[]): Random {
  if (key.length === 0) throw new TypeError('Expected at least one part for key but received none');
  for (const part of key)
    if (typeof part !== 'string' && !(typeof part === 'number' && Number.isFinite(part)))
      throw new TypeError(
        `Expected strings and finite numbers for key but received ${String(part)} of type ${typeof part}`,
      );
  // JSON keeps the parts apart and a number distinct from the string that spells it.
  const digest = createHash('sha256').update(JSON.stringify(key)).digest();
  const state: number[] = [0, 4, 8, 12].map((offset) => digest.readInt32LE(offset));
  if (!state.some((word) => word !== 0)) state[0] = 1; // the one state from which xoroshiro never leaves
  const generator = xoroshiro128plusFromState(state);
  let spareNormal: number | undefined;

  const random: Random = {
    uniform(bits = 53) {
      if (bits === 32) return (generator.next() >>> 0) / TWO_POW_32;
      return ((generator.next() >>> 5) * TWO_POW_26 + (generator.next() >>> 6)) / TWO_POW_53;
    },
    between: (low, high) => low + (high - low) * random.uniform(),
    integer(low, high) {
      if (!Number.isInteger(low) || !Number.isInteger(high) || low > high)
        throw new RangeError(`Expected whole numbers low <= high for integer but received ${low} and ${high}`);
      return uniformInt(generator, low, high);
    },
    normal(mean = 0, standardDeviation = 1) {
      // Box-Muller in Marsaglia's polar form (1964): log and sqrt give the same bits in every V8, sin and cos do not.
      if (spareNormal !== undefined) {
        const value = spareNormal;
        spareNormal = undefined;
        return mean + standardDeviation * value;
      }
      let x: number;
      let y: number;
      let squared: number;
      do {
        x = 2 * random.uniform() - 1;
        y = 2 * random.uniform() - 1;
        squared = x * x + y * y;
      } while (squared >= 1 || squared === 0);
      const radius = Math.sqrt((-2 * Math.log(squared)) / squared);
      spareNormal = y * radius;
      return mean + standardDeviation * x * radius;
    },
    chance: (probability) => random.uniform() < probability,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new RangeError('Expected a list with elements for pick but received an empty one');
      return list[random.integer(0, list.length - 1)] as T;
    },
  };
  return random;
}
