import type { Random } from '../random/keyedGenerator.js';
import type { Clip } from './clip.js';
import type { Donor } from './donor.js';
import { RecipeError } from './recipe.js';
import type { SynthesisTrace } from './synthesisTrace.js';
import type { Workspace } from './workspace.js';

export type StageContext = {
  /** This stage's own numbers: another stage's draws never shift them. */
  random: Random;
  workspace: Workspace;
  trace: SynthesisTrace | undefined;
  /** Other clips whose faces may be taken, in the order in which they were drawn. */
  donors: readonly Donor[];
  /** Adds to one of the pair's counters. */
  count(counter: string, amount?: number): void;
  /** Gives the clip up with a SampleError that names it and the stage. */
  fail(reason: string): never;
  /**
   * What another stage of the same recipe was told and will draw, its numbers from their beginning; null if the recipe
   * does not have it. Two stages can so agree on one decision without sharing any state.
   */
  peek<P extends StageParams>(stage: Stage<P>): { params: P; random: Random } | null;
};

export type StageParams = Record<string, unknown>;

/** One step of the synthesis: a function of the clip, its parameters and its own random numbers. */
export type Stage<P extends StageParams> = {
  name: string;
  /** Every parameter with the value it has when a recipe does not name it. */
  defaults: P;
  apply(clip: Clip, params: P, context: StageContext): void | Promise<void>;
};

/** A stage whose parameters are checked when a recipe is read. */
export type RegisteredStage = {
  name: string;
  defaults: StageParams;
  /** @throws RecipeError for a parameter that the stage does not have or of another type than its default */
  prepare(params: StageParams): PreparedStage;
};

/** A stage and all its parameters, ready for clips. */
export type PreparedStage = {
  name: string;
  params: StageParams;
  run(clip: Clip, context: StageContext): void | Promise<void>;
};

export function registerStage<P extends StageParams>(stage: Stage<P>): RegisteredStage {
  return {
    name: stage.name,
    defaults: stage.defaults,
    prepare(given) {
      for (const [key, value] of Object.entries(given)) {
        if (!(key in stage.defaults)) {
          const known = Object.keys(stage.defaults).join(', ') || 'none';
          throw new RecipeError(`${stage.name}: unknown parameter '${key}'; expected one of: ${known}`);
        }
        if (!sameKind(value, stage.defaults[key]))
          throw new RecipeError(
            `${stage.name}: Expected ${kindOf(stage.defaults[key])} for ${key} but received ${JSON.stringify(value)} of type ${kindOf(value)}`,
          );
      }
      const params = { ...stage.defaults, ...given } as P;
      return { name: stage.name, params, run: (clip, context) => stage.apply(clip, params, context) };
    },
  };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return `list of ${value.length > 0 ? kindOf(value[0]) : 'nothing'}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return 'not finite';
  return value === null ? 'null' : typeof value;
}

function sameKind(value: unknown, model: unknown): boolean {
  if (Array.isArray(model))
    return Array.isArray(value) && value.length > 0 && value.every((element) => kindOf(element) === kindOf(model[0]));
  return kindOf(value) === kindOf(model);
}
