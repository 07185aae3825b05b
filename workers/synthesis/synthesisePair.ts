import { performance } from 'node:perf_hooks';
import { readClip, type StoredClip } from '../npz/readClip.js';
import { keyedGenerator, type Random } from '../random/keyedGenerator.js';
import { Clip } from './clip.js';
import { type Donor, storedDonor } from './donor.js';
import { mixFrames } from './mixFrames.js';
import { type ClipPair, type Recipe, RecipeError, type SampleKey, type SynthesisTask } from './recipe.js';
import { SampleError } from './sampleError.js';
import type { Stage, StageParams } from './stage.js';
import { stageNamed } from './stageRegistry.js';
import type { SynthesisTrace } from './synthesisTrace.js';
import { Workspace } from './workspace.js';

/**
 * Makes a real clip and a self-blended fake from one stored clip, or from a frame each of several. A pure function of the
 * files and the task: the same bytes in any thread, process and order.
 *
 * @throws SampleError for a clip that cannot become a sample, RecipeError for a recipe that cannot be followed
 */
export async function synthesisePair(task: SynthesisTask, trace?: SynthesisTrace): Promise<ClipPair> {
  const { mix } = task;
  if (mix) return await mixFrames({ ...task, mix }, (single) => synthesisePair(single, trace));
  const began = performance.now();
  const memory = Workspace.borrow();
  try {
    const allocate = (name: string, length: number) => memory.bytes(`npz ${name}`, length);
    const stored = await readClip(task.source, task.limits, allocate);
    const readMs = performance.now() - began;
    const donors = task.donors?.map((source) => storedDonor(source, memory, task.limits));
    const pair = await synthesiseFrom(stored, task.key, task.recipe, trace, donors);
    return { ...pair, stageMs: { read: readMs, ...pair.stageMs } };
  } finally {
    memory.giveBack();
  }
}

/** As `synthesisePair`, from a clip that is in memory already; `stored` and the donors' clips are left unchanged. */
export async function synthesiseFrom(
  stored: StoredClip,
  key: SampleKey,
  recipe: Recipe,
  trace?: SynthesisTrace,
  donors: readonly Donor[] = [],
): Promise<ClipPair> {
  const steps = recipe.stages.map(({ stage, params }) => stageNamed(stage).prepare(params));
  // A generator per stage: switching one off leaves all others' numbers as they were.
  const randomOf = (stage: string): Random => keyedGenerator(key.seed, key.epoch, key.position, stored.id, stage);
  const workspace = Workspace.borrow();
  try {
    const clip = new Clip(stored, workspace);
    const stageMs: Record<string, number> = {};
    const counters: Record<string, number> = {};
    for (const { name, run } of steps) {
      const began = performance.now();
      await run(clip, {
        random: randomOf(name),
        workspace,
        trace,
        donors: donors.filter(({ id }) => id !== stored.id),
        count: (counter, amount = 1) => {
          counters[counter] = (counters[counter] ?? 0) + amount;
        },
        fail: (reason) => {
          throw new SampleError(stored.id, name, reason);
        },
        peek<P extends StageParams>(other: Stage<P>) {
          const step = steps.find(({ name: candidate }) => candidate === other.name);
          return step ? { params: step.params as P, random: randomOf(other.name) } : null;
        },
      });
      stageMs[name] = (stageMs[name] ?? 0) + performance.now() - began;
    }
    const { bytes, height, width } = clip.pair ?? uncutPair(clip);
    return { id: stored.id, shape: [clip.frames, height, width, 3], bytes, stageMs, counters };
  } finally {
    workspace.giveBack();
  }
}

/** Both members at the size of the margin crop, for recipes without a final crop. */
function uncutPair(clip: Clip): { bytes: Uint8Array; height: number; width: number } {
  if (!clip.fake) throw new RecipeError('Expected a recipe with a blend stage: it makes the fake member');
  const bytes = new Uint8Array(2 * clip.target.length);
  bytes.set(clip.target);
  bytes.set(clip.fake, clip.target.length);
  return { bytes, height: clip.height, width: clip.width };
}
