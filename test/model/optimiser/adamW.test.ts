import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../../model/engine/startEngine.js';
import { AdamW } from '../../../model/optimiser/adamW.js';
import { clipScale } from '../../../model/optimiser/clipScale.js';
import { flatten } from '../../../model/optimiser/flatVector.js';
import { GradientAccumulator } from '../../../model/optimiser/gradientAccumulator.js';
import { parameterGroups } from '../../../model/optimiser/parameterGroups.js';
import { WeightAverage } from '../../../model/optimiser/weightAverage.js';
import { byBothKernels } from '../byBothKernels.js';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/model/${name}`, import.meta.url), 'utf8'));

/** Parameters by name, from plain numbers. */
const parameters = (values: Record<string, number[]>) =>
  new Map(Object.entries(values).map(([name, numbers]) => [name, tf.tidy(() => tf.variable(tf.tensor1d(numbers)))]));
const numbersOf = (variables: ReadonlyMap<string, tf.Variable>, name: string) => [...variables.get(name)!.dataSync()];

/** One update with gradients by parameter name. */
function update(
  optimiser: AdamW,
  variables: Map<string, tf.Variable>,
  gradients: Record<string, number[]>,
  lr: number,
) {
  const groups = parameterGroups(variables);
  const vectors = groups.map(({ names }) => flatten(names.map((name) => tf.tensor1d(gradients[name]!))));
  const { first, second } = optimiser.nextCorrections();
  const [scale, learningRate, firstCorrection, secondCorrection] = [1, lr, first, second].map((x) => tf.scalar(x));
  optimiser.update(vectors, {
    scale: scale!,
    learningRate: learningRate!,
    firstCorrection: firstCorrection!,
    secondCorrection: secondCorrection!,
  });
}

beforeAll(async () => {
  await startEngine('auto');
});

byBothKernels(() => {
  describe('parameter groups', () => {
    it('decays the kernels of a backbone with names of timm, and not the scales of its norms', () => {
      const shaped = (shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape)));
      const groups = parameterGroups(
        new Map([
          ['backbone.stages.0.blocks.0.conv_dw.weight', shaped([7, 7, 4, 1])],
          ['backbone.stages.0.blocks.0.mlp.fc1.weight', shaped([4, 16])],
          ['backbone.stages.0.blocks.0.mlp.grn.weight', shaped([16])],
          ['backbone.stages.0.blocks.0.norm.weight', shaped([4])],
          ['backbone.stages.0.blocks.0.norm.bias', shaped([4])],
        ]),
      );
      const decayed = groups.filter(({ decay }) => decay).flatMap(({ names }) => names);
      expect(decayed.map((name) => name.replace('backbone.stages.0.blocks.0.', ''))).toEqual([
        'conv_dw.weight',
        'mlp.fc1.weight',
      ]);
      expect(groups.every(({ trunk }) => trunk)).toBe(true);
    });

    it('decays leaves named kernel and nothing else, and tells the trunk from the rest', () => {
      const names = [
        'stem.conv.kernel',
        'stem.norm.gamma',
        'down2.conv.bias',
        'backbone.stages.0.kernel',
        'stage3.0.fwd.A_log',
        'stage3.0.fwd.dt_proj.kernel',
        'stage3.0.fwd.D',
        'dwt.alpha_logit',
        'temporal1.pn.0.gate',
        'kernel_like.bias',
        'stemless.kernel',
      ];
      const groups = parameterGroups(parameters(Object.fromEntries(names.map((name) => [name, [1]]))));
      const described = groups.map((group) => [group.trunk, group.decay, group.names]);
      expect(described).toHaveLength(4);
      expect(described).toEqual(
        expect.arrayContaining([
          [true, true, ['backbone.stages.0.kernel', 'stem.conv.kernel']],
          [true, false, ['down2.conv.bias', 'stem.norm.gamma']],
          [false, true, ['stage3.0.fwd.dt_proj.kernel', 'stemless.kernel']],
          [
            false,
            false,
            ['dwt.alpha_logit', 'kernel_like.bias', 'stage3.0.fwd.A_log', 'stage3.0.fwd.D', 'temporal1.pn.0.gate'],
          ],
        ]),
      );
    });
  });

  describe('AdamW', () => {
    it('follows torch.optim.AdamW for 20 steps', () => {
      const reference = fixture('adamw.json') as {
        weightDecay: number;
        kernel: number[];
        bias: number[];
        steps: Record<'kernelGradient' | 'biasGradient' | 'kernel' | 'bias', number[]>[] & { lr: number }[];
      };
      const variables = parameters({ 'a.kernel': reference.kernel, 'a.bias': reference.bias });
      const optimiser = new AdamW(parameterGroups(variables), { weightDecay: reference.weightDecay });
      for (const step of reference.steps) {
        update(optimiser, variables, { 'a.kernel': step.kernelGradient, 'a.bias': step.biasGradient }, step.lr);
        for (const [name, expected] of [
          ['a.kernel', step.kernel],
          ['a.bias', step.bias],
        ] as const) {
          numbersOf(variables, name).forEach((value, i) => {
            expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6);
          });
        }
      }
      expect(optimiser.updates).toBe(20);
    });

    it('moves each number by the learning rate against its gradient in the first step', () => {
      const variables = parameters({ 'a.bias': [1, 1, 1] });
      const optimiser = new AdamW(parameterGroups(variables), { weightDecay: 0.05 });
      update(optimiser, variables, { 'a.bias': [300, -2e-3, 5] }, 0.01);
      [0.99, 1.01, 0.99].forEach((expected, i) => {
        expect(numbersOf(variables, 'a.bias')[i]).toBeCloseTo(expected, 6);
      });
    });

    it('shrinks kernels alone when the gradient is zero', () => {
      const variables = parameters({ 'a.kernel': [2, -4], 'a.bias': [2], 'a.A_log': [3] });
      const optimiser = new AdamW(parameterGroups(variables), { weightDecay: 0.05 });
      update(optimiser, variables, { 'a.kernel': [0, 0], 'a.bias': [0], 'a.A_log': [0] }, 0.1);
      expect(numbersOf(variables, 'a.kernel')[0]).toBeCloseTo(2 * (1 - 0.1 * 0.05), 6);
      expect(numbersOf(variables, 'a.kernel')[1]).toBeCloseTo(-4 * (1 - 0.1 * 0.05), 6);
      expect([...numbersOf(variables, 'a.bias'), ...numbersOf(variables, 'a.A_log')]).toEqual([2, 3]);
    });

    it('holds the trunk back by its multiplier, decay included', () => {
      const variables = parameters({ 'stem.conv.kernel': [1], 'head.fc.kernel': [1] });
      const optimiser = new AdamW(parameterGroups(variables), { weightDecay: 0.5, trunkMultiplier: 0.01 });
      update(optimiser, variables, { 'stem.conv.kernel': [1], 'head.fc.kernel': [1] }, 0.1);
      expect(numbersOf(variables, 'head.fc.kernel')[0]).toBeCloseTo(1 - 0.1 * 0.5 - 0.1, 6);
      expect(numbersOf(variables, 'stem.conv.kernel')[0]).toBeCloseTo(1 - 0.001 * 0.5 - 0.001, 6);
    });
  });

  describe('clipping', () => {
    it.each(fixture('clip_grad_norm.json') as { limit: number; gradient: number[]; norm: number; clipped: number[] }[])(
      'scales like torch.nn.utils.clip_grad_norm_ (norm $norm)',
      ({ limit, gradient, norm, clipped }) => {
        gradient.forEach((value, i) => {
          expect(value * clipScale(norm, limit)).toBeCloseTo(clipped[i]!, 12);
        });
      },
    );

    it('leaves small gradients alone', () => {
      expect(clipScale(0.3, 1)).toBe(1);
      expect(clipScale(0, 1)).toBe(1);
    });
  });

  describe('gradient accumulator', () => {
    it('sums micro-batches over all groups, and knows their common norm', () => {
      const variables = parameters({ 'a.kernel': [0, 0], 'a.bias': [0] });
      const gradients = new GradientAccumulator(parameterGroups(variables));
      const [kernel, bias] = [variables.get('a.kernel')!.name, variables.get('a.bias')!.name];
      gradients.add({ [kernel]: tf.tensor1d([1, 2]), [bias]: tf.tensor1d([6]) });
      gradients.add({ [kernel]: tf.tensor1d([3, 4]) }); // no path from the bias to this loss
      expect(Math.sqrt(gradients.squaredNorm().dataSync()[0]!)).toBeCloseTo(Math.hypot(4, 6, 6), 5);
      gradients.clear();
      expect(gradients.squaredNorm().dataSync()[0]).toBe(0);
      gradients.add({ [bias]: tf.tensor1d([2]) });
      expect(gradients.squaredNorm().dataSync()[0]).toBe(4);
    });
  });

  describe('moving average', () => {
    it('follows a ← d·a + (1 − d)·p and changes places with the weights and back', () => {
      const variables = parameters({ 'a.kernel': [1], 'a.bias': [10] });
      const average = new WeightAverage(parameterGroups(variables), 0.75);
      variables.get('a.kernel')!.assign(tf.tensor1d([5]));
      average.update();
      average.update();
      const expected = 0.75 * (0.75 * 1 + 0.25 * 5) + 0.25 * 5;
      average.swap();
      expect(numbersOf(variables, 'a.kernel')).toEqual([expected]);
      expect(average.export().get('a.kernel')).toEqual(Float32Array.of(5));
      average.swap();
      expect(numbersOf(variables, 'a.kernel')).toEqual([5]);
      expect(average.export()).toEqual(
        new Map([
          ['a.bias', Float32Array.of(10)],
          ['a.kernel', Float32Array.of(expected)],
        ]),
      );
    });
  });
});
