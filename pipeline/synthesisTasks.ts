import { type Difficulty, difficultyAt, type StfConfig } from '../model/index.js';
import {
  type CodecName,
  type FrameMix,
  keyedGenerator,
  type Recipe,
  type RecipeOptions,
  type SampleKey,
  type SynthesisTask,
  trainingRecipe,
  validationRecipe,
} from '../workers/index.js';
import type { DataRoot } from './data/dataRoot.js';
import { drawOthers } from './drawOthers.js';
import type { SamplePlan } from './sampler.js';

/** Epoch of validation samples: never that of a training sample. */
const VALIDATION_EPOCH = -1;

/** How many more clips than a mixed sample needs are named, should some be unreadable. */
const SPARE_COMPANIONS = 4;

/** Of how many other clips an exchanged face is chosen, by its pose. */
const DONORS = 8;

/** Turns the configuration into what workers are told: plain recipes, one for each difficulty of the schedule. */
export class SynthesisTasks {
  readonly #training = new Map<string, Recipe>();

  constructor(
    private readonly config: StfConfig,
    private readonly data: DataRoot,
    /** What makes H.264, where the configuration asks for any. */
    private readonly codec?: CodecName,
    /** Real clips, from which mixed frames and exchanged faces are taken. */
    private readonly ids: { train: readonly string[]; val: readonly string[] } = { train: [], val: [] },
    /** Who is seen in a clip; default: somebody else in each. */
    private readonly personIn: (clip: string) => string = (clip) => clip,
  ) {}

  /** The settings have the same names in both rooms. */
  #options(difficulty: Difficulty): RecipeOptions {
    return { ...this.config, difficulty, ...(this.codec ? { codec: this.codec } : {}) };
  }

  training(plan: Pick<SamplePlan, 'key'>, clip: string): SynthesisTask {
    const difficulty = difficultyAt(this.config, plan.key.epoch);
    let recipe = this.#training.get(difficulty);
    if (!recipe) {
      const single = this.config.mixed_frames ? { num_segments: 1, frames_per_segment: 1 } : {};
      recipe = trainingRecipe({ ...this.#options(difficulty), ...single });
      this.#training.set(difficulty, recipe);
    }
    const task = {
      source: this.data.locate(clip),
      key: plan.key,
      recipe,
      ...this.#donors(plan.key, clip, this.ids.train),
    };
    return this.config.mixed_frames ? { ...task, mix: this.#mix(plan, clip) } : task;
  }

  /** Other clips than the sample's own, each at most once: drawn anew for every position. */
  #mix({ key: { seed, epoch, position } }: Pick<SamplePlan, 'key'>, clip: string): FrameMix {
    const frames = this.config.num_frames;
    const draw = keyedGenerator(seed, 'companions', epoch, position);
    const companions = drawOthers(this.ids.train, clip, frames - 1 + SPARE_COMPANIONS, draw);
    return { frames, companions: companions.map((id) => this.data.locate(id)) };
  }

  /**
   * Clips of other people of the same split, one of which may give its face: validation then shows nobody that training
   * has shown, and the nearest face is never the person's own.
   */
  #donors(key: SampleKey, clip: string, ids: readonly string[]): Pick<SynthesisTask, 'donors'> {
    if (this.config.sbi.exchange_prob === 0) return {};
    const others = ids.filter((id) => this.personIn(id) !== this.personIn(clip));
    const draw = keyedGenerator(key.seed, 'donors', key.epoch, key.position);
    return { donors: drawOthers(others, clip, DONORS, draw).map((id) => this.data.locate(id)) };
  }

  /** Validation is made at the difficulty with which the schedule ends, so that its figures can be compared. */
  validation(clip: string, position: number): SynthesisTask {
    const key = { seed: this.config.seed, epoch: VALIDATION_EPOCH, position };
    const difficulty = difficultyAt(this.config, Number.POSITIVE_INFINITY);
    return {
      source: this.data.locate(clip),
      key,
      recipe: validationRecipe(this.#options(difficulty)),
      ...this.#donors(key, clip, this.ids.val),
    };
  }
}
