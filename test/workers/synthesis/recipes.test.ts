import { describe, expect, it } from 'vitest';
import { type Recipe, type RecipeOptions, trainingRecipe, validationRecipe } from '../../../workers/index.js';
import { stageNamed } from '../../../workers/synthesis/stageRegistry.js';

const layout: RecipeOptions = { img_size: 64, num_segments: 2, frames_per_segment: 4 };
const everything: RecipeOptions = {
  ...layout,
  use_compression_aug: true,
  compression_prob: 0.4,
  compression_qp: [20, 30],
  codec: 'jpeg',
  use_multiscale_drift: true,
  drift_step: [1, 2],
  drift_max: 6,
  drift_prob: 0.7,
  tps_prob: 0.2,
  vfr_prob: 0.1,
  blend_weights: { alpha: 2, poisson: 1, laplacian: 1 },
  sbi: { tps_points: 8, tps_step: 0.5, tps_max: 4, tps_grid: 20, laplacian_levels: 4, poisson_sweeps: 30 },
};
const names = ({ stages }: Recipe): string[] => stages.map(({ stage }) => stage);
const params = ({ stages }: Recipe, name: string): unknown => stages.find(({ stage }) => stage === name)?.params;

describe('trainingRecipe', () => {
  it('has the published stages in their order', () => {
    expect(names(trainingRecipe(layout))).toEqual([
      'select_frames',
      'prepare_landmarks',
      'flip',
      'margin_crop',
      'mask',
      'affine',
      'elastic',
      'drift',
      'soften',
      'colour',
      'blend',
      'post_colour',
      'jpeg',
      'final_crop',
    ]);
  });

  it('adds what the flags switch on, each with its parameters', () => {
    const recipe = trainingRecipe(everything);
    expect(names(recipe)).toEqual([
      'select_frames',
      'prepare_landmarks',
      'flip',
      'margin_crop',
      'mask',
      'affine',
      'elastic',
      'drift',
      'tps',
      'soften',
      'colour',
      'blend',
      'frame_rate',
      'post_colour',
      'jpeg',
      'h264',
      'final_crop',
    ]);
    expect(params(recipe, 'drift')).toEqual({ mode: 'multiscale', prob: 0.7, step: [1, 2], max: 6 });
    expect(params(recipe, 'tps')).toEqual({ prob: 0.2, points: 8, step: 0.5, max: 4, grid: 20 });
    expect(params(recipe, 'blend')).toEqual({
      weights: { alpha: 2, poisson: 1, laplacian: 1 },
      levels: 4,
      sweeps: 30,
    });
    expect(params(recipe, 'frame_rate')).toEqual({ prob: 0.1 });
    expect(params(recipe, 'h264')).toEqual({ prob: 0.4, qp: [20, 30], codec: 'jpeg' });
  });

  it('takes the published numbers where options leave them open', () => {
    const recipe = trainingRecipe({ ...layout, use_multiscale_drift: true, use_compression_aug: true });
    expect(params(recipe, 'drift')).toEqual({ mode: 'multiscale', prob: 0.8, step: [0.5, 5], max: 8 });
    expect(params(recipe, 'tps')).toEqual({});
    expect(params(recipe, 'h264')).toEqual({});
    expect(stageNamed('tps').defaults).toEqual({ prob: 0.3, points: 12, step: 0.4, max: 3, grid: 28 });
  });

  it('treats both members further, bends sources and cuts squares where asked', () => {
    const sbi: RecipeOptions['sbi'] = {
      elastic_source: true,
      post_rescale_prob: 0.6,
      post_rescale: [0.5, 0.9],
      post_blur_prob: 0.1,
      post_noise_prob: 0.2,
      post_noise_sigma: [2, 3],
      framing: 'square',
      square_side: [1.2, 1.3],
      square_shift: 0.1,
    };
    const recipe = trainingRecipe({ ...everything, sbi });
    expect(names(recipe).slice(-7)).toEqual([
      'post_colour',
      'rescale',
      'post_blur',
      'post_noise',
      'jpeg',
      'h264',
      'final_crop',
    ]);
    expect(params(recipe, 'elastic')).toEqual({ source: true });
    expect(params(recipe, 'rescale')).toEqual({ prob: 0.6, factor: [0.5, 0.9] });
    expect(params(recipe, 'post_noise')).toEqual({ prob: 0.2, sigma: [2, 3] });
    expect(params(recipe, 'final_crop')).toEqual({
      ...{ size: 64, framing: 'square', square_side: [1.2, 1.3], square_shift: 0.1 },
    });
    const validation = validationRecipe({ ...everything, sbi });
    expect(names(validation)).not.toContain('rescale');
    expect(params(validation, 'elastic')).toEqual({ source: true });
    expect(params(validation, 'final_crop')).toEqual({
      ...{ size: 64, framing: 'square', square_side: [1.35, 1.35], square_shift: 0 },
    });
  });

  it('keeps the small drift of 7.3 while multi-scale drift is off', () => {
    const { use_multiscale_drift: _, ...rest } = everything;
    const recipe = trainingRecipe({ ...rest, sbi: { v73_drift_step: 1.4, v73_drift_max: 3 } });
    expect(params(recipe, 'drift')).toEqual({ step: [1.4, 1.4], max: 3 });
    expect(names(recipe)).not.toContain('tps');
  });

  it('leaves all of it out of obvious fakes', () => {
    expect(names(trainingRecipe({ ...everything, difficulty: 'obvious' }))).toEqual([
      'select_frames',
      'prepare_landmarks',
      'flip',
      'margin_crop',
      'mask',
      'colour',
      'blend',
      'final_crop',
    ]);
  });
});

describe('validationRecipe', () => {
  it('makes fakes as training does, compressed alike, without what touches both members only to vary them', () => {
    const training = trainingRecipe(everything);
    const validation = validationRecipe(everything);
    const varying = ['flip', 'frame_rate', 'post_colour', 'jpeg'];
    expect(names(validation)).toEqual(names(training).filter((name) => !varying.includes(name)));
    for (const name of names(validation).filter((stage) => stage !== 'final_crop'))
      expect(params(validation, name)).toEqual(params(training, name));
    expect(params(validation, 'final_crop')).toEqual({ size: 64, margin: [0.5, 0.5] });
  });
});

describe('every recipe', () => {
  it('names stages that exist, with parameters that they have', () => {
    for (const recipe of [trainingRecipe(layout), trainingRecipe(everything), validationRecipe(everything)])
      for (const spec of recipe.stages) expect(() => stageNamed(spec.stage).prepare(spec.params)).not.toThrow();
  });

  it('is plain data', () => {
    const recipe = trainingRecipe(everything);
    expect(JSON.parse(JSON.stringify(recipe))).toEqual(recipe);
    expect(structuredClone(recipe)).toEqual(recipe);
  });
});
