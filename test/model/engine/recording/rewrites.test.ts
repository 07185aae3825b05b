import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { TYPES } from '../../../../model/engine/recording/recordedGraph.js';
import { type StepInput, StepRunner } from '../../../../model/engine/recording/stepRunner.js';
import { graphRecorder, startEngine } from '../../../../model/engine/startEngine.js';
import { type AddedNode, watchedRecorder } from './watchedRecorder.js';

/* What is written into the graph in place of what tfjs calls. */

await startEngine('auto');
const recorder = graphRecorder();

const made: StepRunner[] = [];
afterEach(() => {
  for (const one of made.splice(0)) one.dispose();
});

/** The nodes of a step but for its inputs, and what it gave. */
function record(inputs: StepInput[], step: (inputs: tf.Tensor[]) => tf.Tensor[], bfloat16 = false) {
  const nodes: AddedNode[] = [];
  const runner = new StepRunner({
    variables: () => [],
    recorder: watchedRecorder(recorder!, (node) => nodes.push(node)),
  });
  made.push(runner);
  const result = runner.run('step', inputs, step, { bfloat16 });
  const types = nodes.map(({ type }) => type).filter((type) => type !== 'Placeholder');
  return { nodes, types, result };
}

const input = (...shape: number[]): StepInput => {
  const size = shape.reduce((product, n) => product * n, 1);
  return { dtype: 'float32', shape, values: Float32Array.from({ length: size }, (_, i) => i - 2) };
};

describe.skipIf(recorder === undefined)('a recorded step', () => {
  it('multiplies one pair of matrices by TensorFlow’s plain product, turned or not, and batches by the one for batches', () => {
    const { nodes, types, result } = record([input(2, 3), input(2, 4)], ([a, b]) => [
      tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, true, false),
    ]);
    expect(types.filter((type) => /MatMul/.test(type))).toEqual(['MatMul']);
    const { attributes } = nodes.find(({ type }) => type === 'MatMul')!;
    expect(attributes).toMatchObject({ transpose_a: { value: true }, transpose_b: { value: false } });
    // aᵀ·b of a = [[-2,-1,0],[1,2,3]] and b = [[-2,-1,0,1],[2,3,4,5]].
    expect([...result[0]!]).toEqual([6, 5, 4, 3, 6, 7, 8, 9, 6, 9, 12, 15]);
    const batches = record([input(2, 2, 3), input(2, 3, 4)], ([a, b]) => [tf.matMul(a!, b!)]);
    expect(batches.types.filter((type) => /MatMul/.test(type))).toEqual(['BatchMatMulV2']);
  });

  it('narrows a tensor once for all of its products, and nothing where all is float32', () => {
    const step = ([x, a, b]: tf.Tensor[]) => [
      tf.matMul(x as tf.Tensor2D, a as tf.Tensor2D),
      tf.matMul(x as tf.Tensor2D, b as tf.Tensor2D),
    ];
    const inputs = [input(2, 3), input(3, 4), input(3, 5)];
    const narrowings = ({ nodes }: ReturnType<typeof record>) =>
      nodes.filter(
        ({ type, attributes }) =>
          type === 'Cast' && attributes.DstT?.kind === 'type' && attributes.DstT.value === TYPES.bfloat16,
      );
    // x, a and b, where each product by itself would narrow x: four.
    const casts = narrowings(record(inputs, step, true));
    expect(casts).toHaveLength(3);
    expect(new Set(casts.map(({ inputs }) => inputs[0])).size).toBe(3);
    expect(narrowings(record(inputs, step))).toEqual([]);
  });

  it('holds equal small constants once, unequal ones and other shapes or types apart', () => {
    const constants = ({ types }: ReturnType<typeof record>) => types.filter((type) => type === 'Const').length;
    const added = (...values: tf.TensorLike[]) =>
      constants(record([input(2)], ([x]) => values.map((value) => tf.add(x!, tf.tensor(value)))));
    expect(added([1.5, 2.5])).toBe(1);
    expect(added([1.5, 2.5], [1.5, 2.5], [1.5, 2.5])).toBe(1);
    expect(added([1.5, 2.5], [1.5, 2.25])).toBe(2);
    expect(added([1.5, 2.5], [[1.5, 2.5]])).toBe(2);
    const ints = record([input(2)], ([x]) => [
      tf.add(x!, tf.tensor1d([0, 0])),
      tf.cast(tf.add(tf.cast(x!, 'int32'), tf.tensor1d([0, 0], 'int32')), 'float32'),
    ]);
    expect(constants(ints)).toBe(2);
  });
});
