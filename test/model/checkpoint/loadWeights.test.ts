import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../model/checkpoint/checkpointError.js';
import { float32, type HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { describeLoad, loadWeights } from '../../../model/checkpoint/loadWeights.js';
import { startEngine } from '../../../model/engine/startEngine.js';

beforeAll(async () => {
  await startEngine('auto');
});

const model = () => ({
  parameters: new Map([
    ['stem.conv.kernel', tf.variable(tf.zeros([2, 2]))],
    ['head.fc.kernel', tf.variable(tf.zeros([3]))],
    ['temporal1.gate', tf.variable(tf.zeros([2]))],
  ]),
});
const numbers = ({ parameters }: ReturnType<typeof model>) =>
  Object.fromEntries([...parameters].map(([name, variable]) => [name, [...variable.dataSync()]]));

const file = (): Map<string, HostTensor> =>
  new Map([
    ['stem.conv.kernel', float32([2, 2], Float32Array.of(1, 2, 3, 4))],
    ['head.fc.kernel', float32([4], new Float32Array(4))],
    ['stage3.0.proj.kernel', float32([1], new Float32Array(1))],
    ['optim.m', float32([7], new Float32Array(7))],
    ['ema.stem.conv.kernel', float32([2, 2], new Float32Array(4))],
  ]);

describe('loading weights', () => {
  it('takes what fits and reports the rest', () => {
    const target = model();
    const report = loadWeights(target, file(), 'flexible');
    expect(report).toEqual({
      loaded: ['stem.conv.kernel'],
      missing: ['temporal1.gate'],
      unexpected: ['stage3.0.proj.kernel'],
      mismatched: [{ name: 'head.fc.kernel', expected: 'F32 [3]', received: 'F32 [4]' }],
    });
    expect(numbers(target)).toEqual({
      'stem.conv.kernel': [1, 2, 3, 4],
      'head.fc.kernel': [0, 0, 0],
      'temporal1.gate': [0, 0],
    });
    expect(describeLoad(report)).toEqual([
      'missing (1): temporal1.gate',
      'unexpected (1): stage3.0.proj.kernel',
      'of another shape (1): head.fc.kernel (expected F32 [3], received F32 [4])',
    ]);
  });

  it('takes all or nothing when strict', () => {
    const target = model();
    expect(() => loadWeights(target, file(), 'strict')).toThrow(
      /^the checkpoint holds another network:\n {2}missing \(1\): temporal1\.gate\n {2}unexpected \(1\)/,
    );
    expect(numbers(target)['stem.conv.kernel']).toEqual([0, 0, 0, 0]);
    const fitting = new Map(
      [...target.parameters].map(([name, { shape, size }]) => [name, float32(shape, new Float32Array(size).fill(5))]),
    );
    expect(loadWeights(target, fitting, 'strict').loaded).toHaveLength(3);
    expect(numbers(target)['temporal1.gate']).toEqual([5, 5]);
  });

  it('refuses weights that are not finite, and changes nothing', () => {
    for (const mode of ['strict', 'flexible'] as const) {
      const target = model();
      const tensors = new Map(
        [...target.parameters].map(([name, { shape, size }]) => [name, float32(shape, new Float32Array(size).fill(1))]),
      );
      tensors.get('temporal1.gate')!.data[1] = Number.NaN;
      expect(() => loadWeights(target, tensors, mode)).toThrow(
        new CheckpointError('temporal1.gate: expected finite numbers, received NaN as element 1'),
      );
      expect(numbers(target)['stem.conv.kernel']).toEqual([0, 0, 0, 0]);
    }
  });

  it('finds weights under another name, but only where the file lacks the name itself and the model the other', () => {
    const tensors = file().set('stage4.0.attn.gate', float32([2], Float32Array.of(8, 9)));
    const [target, aliases] = [model(), { 'stage4.0.attn': 'temporal1', stem: 'head' }];
    const report = loadWeights(target, tensors, 'flexible', aliases);
    expect(report.loaded).toEqual(['stem.conv.kernel', 'temporal1.gate']);
    expect(report.unexpected).toEqual(['stage3.0.proj.kernel']);
    expect(numbers(target)['temporal1.gate']).toEqual([8, 9]);
    const both = new Map(tensors).set('temporal1.gate', float32([2], Float32Array.of(1, 2)));
    expect(loadWeights(target, both, 'flexible', aliases).unexpected).toEqual([
      'stage3.0.proj.kernel',
      'stage4.0.attn.gate',
    ]);
    expect(numbers(target)['temporal1.gate']).toEqual([1, 2]);
  });

  it('does not hand control characters of a file on to the terminal', () => {
    const report = loadWeights(model(), new Map([['\u001b[2Jnone\n', float32([1], new Float32Array(1))]]), 'flexible');
    expect(describeLoad(report)).toContain('unexpected (1): "\\u001b[2Jnone\\n"');
    const shape = Array(300_000).fill(1);
    const long = new Map([['stem.conv.kernel', float32(shape, new Float32Array(1))]]);
    const [, mismatched] = describeLoad(loadWeights(model(), long, 'flexible'));
    expect(mismatched).toMatch(
      /^of another shape \(1\): stem\.conv\.kernel .*received F32 \[1,1,1,1,1,1,1,1,… \(300000\)\]\)$/,
    );
  });

  it('takes no other number format for float32', () => {
    const half: HostTensor = { dtype: 'F16', shape: [2, 2], data: new Uint16Array(4) };
    const { mismatched } = loadWeights(model(), file().set('stem.conv.kernel', half), 'flexible');
    expect(mismatched[0]).toEqual({ name: 'stem.conv.kernel', expected: 'F32 [2,2]', received: 'F16 [2,2]' });
  });
});
