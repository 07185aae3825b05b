import { expectTypeOf } from 'vitest';
import { type Detector, loadDetector, resolveConfig, type Score, type StfConfig } from '../../model/index.js';
import {
  type ClipPair,
  keyedGenerator,
  type Random,
  type Recipe,
  type SynthesisPool,
  type SynthesisTask,
  trainingRecipe,
} from '../../workers/index.js';

/* Checked by the compiler (npm run lint), never run: what users of the workers and model rooms rely on. */

declare const pool: SynthesisPool;
declare const task: SynthesisTask;
declare const detector: Detector;

expectTypeOf(pool.run(task)).resolves.toEqualTypeOf<ClipPair>();
expectTypeOf<ClipPair['bytes']>().toExtend<Uint8Array>();
expectTypeOf(trainingRecipe({ img_size: 64, num_segments: 1, frames_per_segment: 4 })).toEqualTypeOf<Recipe>();
expectTypeOf(keyedGenerator(1, 'a')).toEqualTypeOf<Random>();
expectTypeOf(loadDetector).parameter(0).toExtend<{ checkpoint: string }>();
expectTypeOf(loadDetector({ checkpoint: 'f' })).resolves.toEqualTypeOf<Detector>();
expectTypeOf(detector.score(new Uint8Array())).toEqualTypeOf<Score>();
expectTypeOf(resolveConfig({}).config).toEqualTypeOf<StfConfig>();
// A resolved configuration is all that a recipe needs.
expectTypeOf<StfConfig['sbi']>().not.toBeAny();

// @ts-expect-error a detector needs weights
loadDetector({});
