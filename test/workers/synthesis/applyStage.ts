import { keyedGenerator, type StoredClip } from '../../../workers/index.js';
import { Clip } from '../../../workers/synthesis/clip.js';
import type { Donor } from '../../../workers/synthesis/donor.js';
import type { Stage, StageParams } from '../../../workers/synthesis/stage.js';
import { Workspace } from '../../../workers/synthesis/workspace.js';

/** A clip outside of any recipe. */
export const clipOf = (stored: StoredClip): Clip => new Clip(stored, new Workspace());

/** Runs one stage with numbers drawn from `seed`; returns what it counted. `others`: parameters of further stages. */
export async function applyStage<P extends StageParams>(
  stage: Stage<P>,
  clip: Clip,
  params: Partial<P> = {},
  seed: string | number = 1,
  others: Record<string, StageParams> = {},
  donors: readonly Donor[] = [],
): Promise<Record<string, number>> {
  const counters: Record<string, number> = {};
  await stage.apply(
    clip,
    { ...stage.defaults, ...params },
    {
      random: keyedGenerator('test', seed, stage.name),
      workspace: new Workspace(),
      trace: undefined,
      donors,
      count: (counter, amount = 1) => {
        counters[counter] = (counters[counter] ?? 0) + amount;
      },
      fail: (reason) => {
        throw new Error(reason);
      },
      peek<Q extends StageParams>(other: Stage<Q>) {
        const params = others[other.name];
        return params
          ? { params: { ...other.defaults, ...params } as Q, random: keyedGenerator('test', seed, other.name) }
          : null;
      },
    },
  );
  return counters;
}
