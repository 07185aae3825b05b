import type { Random } from '../../random/keyedGenerator.js';

/** Whether and how strongly a pair is compressed as H.264. */
export type CompressionParams = { prob: number; qp: number[]; codec: string };

/**
 * The quantiser of a pair that is compressed, null for one that is not. One decision for both members: a quantiser of
 * its own would tell the fake from the real. A function of its arguments, so that other stages can ask it beforehand.
 */
export function drawCompression({ prob, qp }: CompressionParams, random: Random): number | null {
  const compresses = random.chance(prob);
  const drawn = random.integer(qp[0]!, qp[1]!);
  return compresses ? drawn : null;
}
