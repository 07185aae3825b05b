import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CheckpointError } from '../../../model/checkpoint/checkpointError.js';
import type { HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { float32 } from '../../../model/checkpoint/hostTensor.js';
import { fillBackbone, loadBackbone } from '../../../model/checkpoint/loadBackbone.js';
import { encodeSafetensors } from '../../../model/checkpoint/safetensors.js';
import { fromTorchLayout } from '../../../model/checkpoint/torchLayout.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { seededValues } from '../seededUniform.js';
import { createTinyConvNext, fixture, readFixture } from '../trunk/tinyConvNext.js';

const folder = mkdtempSync(join(tmpdir(), 'stf-backbone-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  await startEngine();
});

const valuesOf = (parameters: ReadonlyMap<string, tf.Variable>) =>
  new Map([...parameters].map(([name, variable]) => [name, [...variable.dataSync()]]));
const withTimmNames = () => readFixture('convnextv2.safetensors');

describe('three namings of the same weights', () => {
  test.each([
    ['timm', 'convnextv2.safetensors', ['head.fc.bias', 'head.fc.weight']],
    ["the authors' code", 'convnextv2_original.pt', ['head.bias', 'head.weight']],
    ['Hugging Face', 'convnextv2_hugging_face.pth', ['classifier.bias', 'classifier.weight']],
  ])('%s', async (source, file, unexpected) => {
    const expected = createTinyConvNext().parameters;
    fillBackbone({ parameters: expected }, withTimmNames());
    const { parameters } = createTinyConvNext();
    const report = await loadBackbone({ parameters }, fixture(file));
    expect(report.source).toBe(source);
    expect(report.loaded.sort()).toEqual([...parameters.keys()].sort());
    expect([report.missing, report.unexpected.sort()]).toEqual([[], unexpected]);
    expect(valuesOf(parameters)).toEqual(valuesOf(expected));
  });

  test.each(['module.', 'backbone.', 'model.visual.'])('with the prefix %s', (shared) => {
    const prefixed = new Map([...withTimmNames()].map(([name, tensor]) => [shared + name, tensor]));
    const { parameters } = createTinyConvNext();
    const report = fillBackbone({ parameters }, prefixed.set('decoder.weight', float32([1], new Float32Array(1))));
    expect(report.missing).toEqual([]);
    expect(report.unexpected).toContain('decoder.weight');
  });
});

describe("another run's checkpoint", () => {
  const asCheckpoint = (parameters: ReadonlyMap<string, tf.Variable>) =>
    new Map<string, HostTensor>([
      ...[...parameters].map(([name, x]): [string, HostTensor] => [name, float32(x.shape, x.dataSync<'float32'>())]),
      ['dwt.alpha_logit', float32([], new Float32Array(1))],
      ['optim.m', float32([3], new Float32Array(3))],
    ]);

  test('is taken in its own layout, which differs from that of the files whose names it has', () => {
    const { parameters: run } = createTinyConvNext();
    fillBackbone({ parameters: run }, withTimmNames());
    const { parameters } = createTinyConvNext();
    const report = fillBackbone({ parameters }, asCheckpoint(run));
    expect(report).toMatchObject({ source: 'another run', missing: [], unexpected: ['dwt.alpha_logit', 'optim.m'] });
    expect(report.loaded.sort()).toEqual([...parameters.keys()].sort());
    expect(valuesOf(parameters)).toEqual(valuesOf(run));
  });

  test('gives its moving averages, which are what it was chosen by', () => {
    const { parameters: run } = createTinyConvNext();
    const checkpoint = asCheckpoint(run);
    const name = 'backbone.stages.2.blocks.1.mlp.fc1.weight';
    const average = (checkpoint.get(name)!.data as Float32Array).map((value) => value + 1);
    checkpoint.set(`ema.${name}`, float32(checkpoint.get(name)!.shape, average));
    const { parameters } = createTinyConvNext();
    fillBackbone({ parameters }, checkpoint);
    expect([...parameters.get(name)!.dataSync()]).toEqual([...average]);
  });

  test('of another network is refused, and nothing changes', () => {
    const { parameters: run } = createTinyConvNext();
    const checkpoint = asCheckpoint(run);
    checkpoint.set('backbone.stem.1.bias', float32([9], new Float32Array(9)));
    const { parameters } = createTinyConvNext();
    const before = valuesOf(parameters);
    expect(() => fillBackbone({ parameters }, checkpoint)).toThrow(/backbone\.stem\.1\.bias.*\[8\].*\[9\]/s);
    expect(valuesOf(parameters)).toEqual(before);
  });
});

describe('layouts', () => {
  const at = (tensor: tf.Tensor, ...index: number[]) =>
    tf
      .slice(
        tensor,
        index,
        index.map(() => 1),
      )
      .dataSync()[0];
  const torch = (shape: number[]) => float32(shape, seededValues(tf.util.sizeFromShape(shape), 4));
  /** The element of a row-major tensor. */
  const element = ({ shape, data }: HostTensor, ...index: number[]) =>
    (data as Float32Array)[index.reduce((flat, i, axis) => flat * shape[axis]! + i, 0)];

  test('a convolution [O,I,h,w] becomes [h,w,I,O]', () => {
    const found = torch([5, 3, 2, 4]);
    const got = fromTorchLayout(found, 'w', [2, 4, 3, 5]);
    for (let o = 0; o < 5; o++)
      for (let i = 0; i < 3; i++)
        for (let y = 0; y < 2; y++)
          for (let x = 0; x < 4; x++) expect(at(got, y, x, i, o)).toBe(element(found, o, i, y, x));
  });

  test('a depthwise convolution [C,1,h,w] becomes [h,w,C,1]', () => {
    const found = torch([5, 1, 2, 3]);
    const got = fromTorchLayout(found, 'w', [2, 3, 5, 1]);
    for (let c = 0; c < 5; c++)
      for (let y = 0; y < 2; y++)
        for (let x = 0; x < 3; x++) expect(at(got, y, x, c, 0)).toBe(element(found, c, 0, y, x));
  });

  test.each([[[5, 3]], [[5, 3, 1, 1]]])('a linear layer %j becomes [3,5]', (shape) => {
    const found = torch(shape);
    const got = fromTorchLayout(found, 'w', [3, 5]);
    for (let o = 0; o < 5; o++)
      for (let i = 0; i < 3; i++) expect(at(got, i, o)).toBe((found.data as Float32Array)[o * 3 + i]);
  });

  test.each([[[4]], [[1, 1, 1, 4]]])('a vector %j becomes [4]', (shape) => {
    const found = torch(shape);
    expect([...fromTorchLayout(found, 'w', [4]).dataSync()]).toEqual([...(found.data as Float32Array)]);
  });
});

describe('files that do not fit', () => {
  const attempt = (change: (tensors: Map<string, HostTensor>) => void) => {
    const { parameters } = createTinyConvNext();
    const before = valuesOf(parameters);
    const tensors = withTimmNames();
    change(tensors);
    let message = '';
    try {
      fillBackbone({ parameters }, tensors);
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError);
      message = (error as Error).message;
      expect(valuesOf(parameters)).toEqual(before);
    }
    return { message, parameters, before };
  };

  test('another shape names tensor, expected and found shape, and changes nothing', () => {
    // The last tensor to be filled, so that everything before it would have been changed.
    const { message } = attempt((tensors) => {
      tensors.set('head.norm.bias', float32([24], new Float32Array(24)));
      tensors.set('stages.1.blocks.0.mlp.fc1.weight', float32([64, 16], new Float32Array(1024)));
    });
    expect(message).toBe('stages.1.blocks.0.mlp.fc1.weight: expected shape [48,12], found [64,16]');
  });

  test('a transposed kernel is not taken for the right one', () => {
    const { message } = attempt((tensors) => {
      tensors.set('stages.0.blocks.0.mlp.fc1.weight', float32([8, 32], new Float32Array(256)));
    });
    expect(message).toBe('stages.0.blocks.0.mlp.fc1.weight: expected shape [32,8], found [8,32]');
  });

  test.each([
    ['not a number', Number.NaN, 'NaN'],
    ['infinite', Number.POSITIVE_INFINITY, 'Infinity'],
  ])('a weight that is %s is refused by file and tensor, and changes nothing', async (_, value, text) => {
    const name = 'stages.2.blocks.1.conv_dw.bias';
    const spoil = (tensors: Map<string, HostTensor>) => {
      tensors.get(name)!.data[3] = value;
    };
    const problem = `${name}: expected finite numbers, received ${text} as element 3`;
    expect(attempt(spoil).message).toBe(problem);
    const tensors = withTimmNames();
    spoil(tensors);
    const file = join(mkdtempSync(join(folder, 'spoilt-')), 'spoilt.safetensors');
    writeFileSync(file, encodeSafetensors(tensors));
    await expect(loadBackbone(createTinyConvNext(), file)).rejects.toThrow(`cannot use weights ${file}: ${problem}`);
  });

  test('names that steer a terminal are written out, and cut', () => {
    const steering = (tensors: Map<string, HostTensor>) => {
      tensors.clear();
      tensors.set('\u001b[2J\n', float32([1], new Float32Array(1)));
      tensors.set('x'.repeat(1e6), float32([1], new Float32Array(1)));
    };
    const { message } = attempt(steering);
    expect(message).toContain('found "\\u001b[2J\\n", xxx');
    expect(message.length).toBeLessThan(1000);
    const long = attempt((tensors) => {
      tensors.set('stem.0.bias', float32(Array(300_000).fill(1), new Float32Array(1)));
    });
    expect(long.message).toBe('stem.0.bias: expected shape [8], found [1,1,1,1,1,1,1,1,… (300000)]');
  });

  test('missing weights are named', () => {
    const { message } = attempt((tensors) => {
      tensors.delete('stages.2.blocks.1.conv_dw.bias');
      tensors.set('stages.2.blocks.1.conv_dw.offset', float32([16], new Float32Array(16)));
    });
    expect(message).toContain('it lacks backbone.stages.2.blocks.1.conv_dw.bias; it has instead');
  });

  test('only the last norm may be missing: pretraining files have none', () => {
    const { parameters, before } = (() => {
      const { parameters } = createTinyConvNext();
      const before = valuesOf(parameters);
      const tensors = withTimmNames();
      tensors.delete('head.norm.weight');
      tensors.delete('head.norm.bias');
      const report = fillBackbone({ parameters }, tensors);
      expect(report.missing).toEqual(['backbone.head.norm.weight', 'backbone.head.norm.bias']);
      return { parameters, before };
    })();
    expect([...parameters.get('backbone.head.norm.weight')!.dataSync()]).toEqual(
      before.get('backbone.head.norm.weight'),
    );
  });

  test('another network, an empty file, and a model without a backbone', () => {
    expect(attempt((tensors) => tensors.clear()).message).toContain(
      "expected a tensor named stem.0.weight (timm) or downsample_layers.0.0.weight (the authors' code) or " +
        'embeddings.patch_embeddings.weight (Hugging Face), found none',
    );
    const resnet = new Map([['conv1.weight', float32([1], new Float32Array(1))]]);
    expect(() => fillBackbone(createTinyConvNext(), resnet)).toThrow('found conv1.weight');
    expect(() => fillBackbone({ parameters: new Map() }, resnet)).toThrow('the native trunk has no pretrained weights');
  });

  test('integers instead of weights, and a file that cannot be read', async () => {
    const counts: HostTensor = { dtype: 'I32', shape: [8], data: new Int32Array(8) };
    expect(attempt((tensors) => tensors.set('stem.0.bias', counts)).message).toContain(
      'stem.0.bias: expected floating-point numbers, received I32',
    );
    await expect(loadBackbone(createTinyConvNext(), '/nowhere/femto.pt')).rejects.toThrow(
      'cannot read weights /nowhere/femto.pt: ENOENT',
    );
    await expect(loadBackbone({ parameters: new Map() }, fixture('convnextv2.safetensors'))).rejects.toThrow(
      /cannot use weights .*convnextv2\.safetensors: the native trunk/,
    );
  });
});
