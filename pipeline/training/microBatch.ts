import { webcrypto } from 'node:crypto';
import type { ClipPair, SampleKey } from '../../workers/index.js';

/** Clips in the order in which the model sees them: real, fake, real, fake, … */
export type MicroBatch = {
  step: number;
  micro: number;
  epoch: number;
  /** uint8 `[B,T,H,W,3]`, B = 2 · pairs. */
  clips: Uint8Array;
  /** `[B,T,H,W,3]`. */
  shape: readonly [number, number, number, number, number];
  /** `[B]`: 0 real, 1 fake. */
  labels: Int32Array;
  /** One per pair. */
  ids: string[];
  keys: SampleKey[];
  /** Clips that had to be replaced on the way to these. */
  failed: number;
  /** Hex SHA-256 of `clips`. */
  sha256: string;
};

/** `42/0/17`: seed, epoch, position — what it takes to make the pair again. */
export const sampleSeed = ({ seed, epoch, position }: SampleKey): string => `${seed}/${epoch}/${position}`;

/** Tells a micro-batch from all others of a run. */
export const microKey = ({ step, micro }: Pick<MicroBatch, 'step' | 'micro'>): string => `${step}/${micro}`;

/** Joins pairs to one block of bytes. Every pair must have the same shape. */
export function joinPairs(pairs: readonly ClipPair[]): { clips: Uint8Array; labels: Int32Array } {
  const size = pairs[0]!.bytes.length;
  const clips = new Uint8Array(size * pairs.length);
  pairs.forEach((pair, at) => {
    if (pair.bytes.length !== size)
      throw new RangeError(`joinPairs: expected ${size} bytes from clip ${pair.id} but received ${pair.bytes.length}`);
    clips.set(pair.bytes, at * size);
  });
  return { clips, labels: Int32Array.from({ length: 2 * pairs.length }, (_, i) => i % 2) };
}

/** Assembles a micro-batch; the digest is computed off the main thread. */
export async function assembleMicroBatch(
  pairs: readonly ClipPair[],
  place: Pick<MicroBatch, 'step' | 'micro' | 'epoch' | 'keys' | 'failed'>,
): Promise<MicroBatch> {
  const { clips, labels } = joinPairs(pairs);
  const digest = await webcrypto.subtle.digest('SHA-256', clips);
  return {
    ...place,
    clips,
    shape: [labels.length, ...pairs[0]!.shape],
    labels,
    ids: pairs.map((pair) => pair.id),
    sha256: Buffer.from(digest).toString('hex'),
  };
}
