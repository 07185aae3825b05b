import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { inPlace } from '../../../../model/engine/recording/place.js';
import { type StepInput, StepRunner } from '../../../../model/engine/recording/stepRunner.js';
import { outsideRecording, waitFor } from '../../../../model/engine/recording/tracer.js';
import { graphRecorder, startEngine } from '../../../../model/engine/startEngine.js';
import { watchedRecorder } from './watchedRecorder.js';

const { name: engine } = await startEngine('auto');
const recorder = graphRecorder();

const bindingOf = () => (tf.backend() as unknown as { binding: Record<string, number> }).binding;
/** Runs an operation as kernels of the native backend do. */
const execute = (name: string, attributes: object[], input: tf.Tensor): tf.Tensor =>
  (
    tf.backend() as unknown as {
      executeSingleOutput(name: string, attributes: object[], inputs: tf.Tensor[]): tf.Tensor;
    }
  ).executeSingleOutput(name, attributes, [input]);

const floats = (...values: number[]): StepInput => ({
  dtype: 'float32',
  shape: [values.length],
  values: Float32Array.from(values),
});
const made: { dispose(): void }[] = [];
const variable = (...values: number[]) => {
  const one = tf.tidy(() => tf.variable(tf.tensor1d(values)));
  made.push(one);
  return one;
};
function runnerOf(variables: tf.Variable[] = [], notes: string[] = []) {
  const runner = new StepRunner({ variables: () => variables, recorder, say: (note) => notes.push(note) });
  made.push(runner);
  return runner;
}
afterEach(() => {
  for (const one of made.splice(0).reverse()) one.dispose();
});
beforeAll(() => {
  if (engine === 'tensorflow') expect(recorder).toBeDefined();
});

describe.skipIf(recorder === undefined)('a recorded step', () => {
  it('computes from its inputs each time, and from no number of the first', () => {
    const runner = runnerOf();
    const step = ([x, y]: tf.Tensor[]) => [tf.add(tf.mul(x!, y!), 1), tf.sum(x!)];
    expect(runner.run('f', [floats(1, 2, 3), floats(10, 10, 10)], step)).toEqual([
      Float32Array.of(11, 21, 31),
      Float32Array.of(6),
    ]);
    expect(runner.mode).toBe('recorded');
    expect(runner.run('f', [floats(4, 5, 6), floats(1, 2, 3)], step)).toEqual([
      Float32Array.of(5, 11, 19),
      Float32Array.of(15),
    ]);
  });

  it('is recorded once for each set of shapes', () => {
    const runner = runnerOf();
    let calls = 0;
    const step = ([x]: tf.Tensor[]) => {
      calls++;
      return [tf.sum(tf.square(x!))];
    };
    for (const input of [floats(1, 2), floats(3, 4), floats(1, 2, 3), floats(2, 2)]) runner.run('f', [input], step);
    expect(calls).toBe(2);
    expect(runner.run('f', [floats(1, 2, 3)], step)).toEqual([Float32Array.of(14)]);
  });

  it('takes bytes, and widens them inside', () => {
    const bytes: StepInput = { dtype: 'uint8', shape: [2, 2], values: Uint8Array.of(0, 7, 200, 255) };
    expect(runnerOf().run('f', [bytes], ([x]) => [tf.sum(x!, 0)])).toEqual([Float32Array.of(200, 262)]);
  });

  it('keeps variables inside, notices what is assigned outside, and gives them back', () => {
    const [weights, sum] = [variable(1, 2), variable(0, 0)];
    const runner = runnerOf([weights, sum]);
    const step = ([x]: tf.Tensor[]) => {
      sum.assign(tf.add(sum, tf.mul(weights, x!)));
      return [tf.sum(sum)];
    };
    expect(runner.run('add', [floats(1, 1)], step)).toEqual([Float32Array.of(3)]);
    expect(runner.run('add', [floats(1, 1)], step)).toEqual([Float32Array.of(6)]);
    expect([...sum.dataSync()]).toEqual([0, 0]);
    weights.assign(tf.tensor1d([10, 20]));
    expect(runner.run('add', [floats(1, 1)], step)).toEqual([Float32Array.of(36)]);
    runner.pull();
    expect([...sum.dataSync()]).toEqual([12, 24]);
    expect([...weights.dataSync()]).toEqual([10, 20]);
  });

  it('reads all variables before it assigns any', () => {
    const [a, b] = [variable(1, 2), variable(3, 4)];
    const runner = runnerOf([a, b]);
    const swap = () => {
      const old = tf.clone(a);
      a.assign(tf.clone(b));
      b.assign(old);
      return [];
    };
    for (let i = 0; i < 3; i++) runner.run('swap', [], swap);
    runner.pull();
    expect([[...a.dataSync()], [...b.dataSync()]]).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });

  it('leaves no tensors behind', () => {
    const weights = variable(1, 2);
    const runner = runnerOf([weights]);
    const before = tf.memory().numTensors;
    runner.run('f', [floats(1, 1)], ([x]) => {
      weights.assign(tf.mul(weights, x!));
      return [tf.keep(tf.sum(weights))];
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('holds constants that are computed once, outside of it', () => {
    let kept: tf.Tensor | undefined;
    const step = ([x]: tf.Tensor[]) => {
      kept ??= outsideRecording(() => tf.keep(tf.add(tf.tensor1d([1, 2]), 1)));
      return [tf.mul(x!, kept)];
    };
    const runner = runnerOf();
    expect(runner.run('f', [floats(1, 1)], step)).toEqual([Float32Array.of(2, 3)]);
    expect([...kept!.dataSync()]).toEqual([2, 3]);
    kept!.dispose();
  });

  it('says which nodes took the time', () => {
    const runner = runnerOf();
    runner.run('f', [floats(1, 2)], ([x]) => inPlace('stage1.0', () => [tf.exp(x!)]), { profile: true });
    expect(runner.profile!.map(({ name }) => name).join(' ')).toContain('step/stage1.0/Exp');
  });
});

describe.skipIf(recorder === undefined)('a step that cannot be recorded', () => {
  it('because it reads a value back runs eagerly from the same state, with a note', () => {
    const notes: string[] = [];
    const sum = variable(0, 0);
    const runner = runnerOf([sum], notes);
    const add = ([x]: tf.Tensor[]) => {
      sum.assign(tf.add(sum, x!));
      return [];
    };
    runner.run('add', [floats(1, 2)], add);
    const branch = ([x]: tf.Tensor[]) => [
      inPlace('stage3.1', () => tf.sum(x!).dataSync()[0]!) > 0 ? tf.mul(sum, 2) : sum,
    ];
    expect(runner.run('branch', [floats(1, 1)], branch)).toEqual([Float32Array.of(2, 4)]);
    expect(notes).toEqual([
      'the step "branch" cannot be recorded (it reads a result back in stage3.1); all goes on eagerly, in float32, which is slower',
    ]);
    expect(runner.mode).toBe('eager');
    runner.run('add', [floats(1, 2)], add);
    expect([...sum.dataSync()]).toEqual([2, 4]);
  });

  it('because of an operation that TensorFlow does not know is named with its place', () => {
    const notes: string[] = [];
    const step = ([x]: tf.Tensor[]) =>
      inPlace('temporal1', () => {
        return [execute('StfNoSuchOperation', [], x!)];
      });
    expect(() => runnerOf([], notes).run('odd', [floats(1)], step)).toThrow();
    expect(notes[0]).toContain(
      'the step "odd" cannot be recorded (the operation StfNoSuchOperation in temporal1 cannot be recorded: ' +
        'TensorFlow has no operation StfNoSuchOperation)',
    );
  });

  it('because of a shape that depends on values is named too', () => {
    const notes: string[] = [];
    const step = ([x]: tf.Tensor[]) => {
      return [tf.cast(execute('Where', [], tf.greater(x!, 1)), 'float32')];
    };
    runnerOf([], notes).run('where', [floats(1, 2)], step);
    expect(notes[0]).toContain('the operation Where gives a tensor whose shape depends on values');
  });

  const { TF_ATTR_TYPE, TF_ATTR_BOOL } = engine === 'tensorflow' ? bindingOf() : {};
  const DOUBLE = 2;
  it.each<[string, string, { name: string; type: number | undefined; value: unknown }[], string]>([
    [
      'an attribute of a type that recording does not know',
      'Exp',
      [{ name: 'odd', type: 99, value: 1 }],
      'the operation Exp in head has the attribute odd of unknown type 99',
    ],
    [
      'numbers of a type that tfjs does not have',
      'Cast',
      [
        { name: 'SrcT', type: TF_ATTR_TYPE, value: 1 },
        { name: 'DstT', type: TF_ATTR_TYPE, value: DOUBLE },
        { name: 'Truncate', type: TF_ATTR_BOOL, value: false },
      ],
      "the operation Cast in head gives a tensor of TensorFlow's type 2",
    ],
  ])('because of %s is named with its place too', (_, operation, attributes, message) => {
    const notes: string[] = [];
    const recording = () =>
      runnerOf([], notes).run('odd', [floats(1)], ([x]) => [inPlace('head', () => execute(operation, attributes, x!))]);
    // Eagerly, tfjs may have no use for it either.
    expect(recording).toThrow();
    expect(notes[0]).toContain(`the step "odd" cannot be recorded (${message}); all goes on eagerly`);
  });
});

describe.skipIf(recorder === undefined)('a recorded step that the device has no kernel for', () => {
  const noKernel = "No OpKernel was registered to support Op 'StfGelu' used by {{node step/head/StfGelu_3}}\nand more";
  /** Fails as TensorFlow does, from the `from`-th time on that results are asked for. */
  const failing = (from: number) => {
    let runs = 0;
    const fake = watchedRecorder(
      recorder!,
      () => {},
      (request, real) => {
        if (request.feeds.length > 0 && request.fetches.length > 0 && ++runs >= from) throw new Error(noKernel);
        return real(request);
      },
    );
    return fake;
  };
  const add = (sum: tf.Variable) => (inputs: tf.Tensor[]) => {
    sum.assign(tf.add(sum, inputs[0]!));
    return [tf.sum(sum)];
  };

  it('runs eagerly from the same state, with a note', () => {
    const notes: string[] = [];
    const sum = variable(5, 6);
    const runner = new StepRunner({
      variables: () => [sum],
      recorder: failing(1),
      say: (note) => notes.push(note),
    });
    made.push(runner);
    expect(runner.run('add', [floats(1, 2)], add(sum))).toEqual([Float32Array.of(14)]);
    expect(notes).toEqual([
      `the step "add" cannot be run as recorded (${noKernel.split('\n')[0]}); all goes on eagerly, in float32, which is slower`,
    ]);
    expect(runner.mode).toBe('eager');
    expect(runner.run('add', [floats(1, 2)], add(sum))).toEqual([Float32Array.of(17)]);
  });

  it('but has run before fails: it may have moved variables', () => {
    const notes: string[] = [];
    const sum = variable(5, 6);
    const runner = new StepRunner({ variables: () => [sum], recorder: failing(2), say: (note) => notes.push(note) });
    made.push(runner);
    runner.run('add', [floats(1, 2)], add(sum));
    expect(() => runner.run('add', [floats(1, 2)], add(sum))).toThrow('No OpKernel');
    expect(notes).toEqual([]);
    expect(runner.mode).toBe('recorded');
  });
});

describe.skipIf(recorder === undefined)('bfloat16', () => {
  it('rounds the operands of products, and of nothing else', () => {
    const runner = runnerOf();
    const fine = 1 + 2 ** -10;
    const step = ([x]: tf.Tensor[]) => {
      const row = tf.reshape(x!, [1, 1]) as tf.Tensor2D;
      return [tf.matMul(row, row), tf.mul(row, row)];
    };
    const [product, square] = runner.run('f', [floats(fine)], step, { bfloat16: true });
    expect(product![0]).toBe(1);
    expect(square![0]).toBeCloseTo(fine ** 2, 7);
  });

  it('adds up in more than its own digits', () => {
    const ones: StepInput = { dtype: 'float32', shape: [1, 4096], values: new Float32Array(4096).fill(1) };
    const step = ([x]: tf.Tensor[]) => [tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D, false, true)];
    expect(runnerOf().run('f', [ones], step, { bfloat16: true })[0]![0]).toBe(4096);
  });
});

describe('waiting', () => {
  it('changes no number', () => {
    const step = ([x, y]: tf.Tensor[]) => [tf.add(waitFor([x!], y!)[0]!, 1)];
    const inputs = [floats(1, 2), floats(5)];
    expect(runnerOf().run('f', inputs, step)).toEqual([Float32Array.of(2, 3)]);
    expect(new StepRunner({ variables: () => [] }).run('f', inputs, step)).toEqual([Float32Array.of(2, 3)]);
  });
});
