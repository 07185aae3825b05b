import { type NpyArray, readNpz } from '../../workers/index.js';
import { fixture } from './reference.js';

const archive = await readNpz(fixture('motion_blend_reference.npz'), { limits: { maxArrays: 200 } });

/** One array of the reference results (fixtures/scripts/workers_motion_blend.py). */
export function reference(name: string): NpyArray {
  const array = archive.get(name);
  if (!array) throw new Error(`no reference array ${name}`);
  return array;
}

export const referenceNames = (): string[] => [...archive.keys()];
export const referenceNumbers = (name: string): number[] => Array.from(reference(name).data as Float64Array, Number);
/** Levels that were stored in 64ths. */
export const referenceLevels = (name: string): number[] => referenceNumbers(name).map((v) => v / 64);
