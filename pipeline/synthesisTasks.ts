import { type Difficulty, difficultyAt, type StfConfig } from '../model/index.js';
import {
  type CodecName,
  type Recipe,
  type RecipeOptions,
  type SynthesisTask,
  trainingRecipe,
  validationRecipe,
} from '../workers/index.js';
import type { DataRoot } from './data/dataRoot.js';
import type { SamplePlan } from './sampler.js';

/** Epoch of validation samples: never that of a training sample. */
const VALIDATION_EPOCH = -1;

/** Turns the configuration into what workers are told: plain recipes, one for each difficulty of the schedule. */
export class SynthesisTasks {
  readonly #training = new Map<string, Recipe>();

  constructor(
    private readonly config: StfConfig,
    private readonly data: DataRoot,
    /** What makes H.264, where the configuration asks for any. */
    private readonly codec?: CodecName,
  ) {}

  /** The settings have the same names in both rooms. */
  #options(difficulty: Difficulty): RecipeOptions {
    return { ...this.config, difficulty, ...(this.codec ? { codec: this.codec } : {}) };
  }

  training(plan: Pick<SamplePlan, 'key'>, clip: string): SynthesisTask {
    const difficulty = difficultyAt(this.config, plan.key.epoch);
    let recipe = this.#training.get(difficulty);
    if (!recipe) {
      recipe = trainingRecipe(this.#options(difficulty));
      this.#training.set(difficulty, recipe);
    }
    return { source: this.data.locate(clip), key: plan.key, recipe };
  }

  /** Validation is made at the difficulty with which the schedule ends, so that its figures can be compared. */
  validation(clip: string, position: number): SynthesisTask {
    const { seed } = this.config;
    const difficulty = difficultyAt(this.config, Number.POSITIVE_INFINITY);
    return {
      source: this.data.locate(clip),
      key: { seed, epoch: VALIDATION_EPOCH, position },
      recipe: validationRecipe(this.#options(difficulty)),
    };
  }
}
