import { fileURLToPath } from 'node:url';
import { type NpyArray, readNpz } from '../../workers/index.js';

export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/workers/${name}`, import.meta.url));

const archive = await readNpz(fixture('image_reference.npz'), { limits: { maxArrays: 200 } });

/** One array of the reference results (fixtures/scripts/workers_image.py). */
export function reference(name: string): NpyArray {
  const array = archive.get(name);
  if (!array) throw new Error(`no reference array ${name}`);
  return array;
}

export const referenceBytes = (name: string): Uint8Array => reference(name).data as Uint8Array;
export const referenceFloats = (name: string): Float32Array => Float32Array.from(reference(name).data as Float32Array);

/** Largest absolute difference and the share of elements that differ at all. */
export function compare(a: ArrayLike<number>, b: ArrayLike<number>): { most: number; share: number } {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length} differ`);
  let most = 0;
  let differing = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference === 0)) differing++;
    if (!(difference <= most)) most = difference;
  }
  return { most, share: differing / a.length };
}
