import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import type { OwnAddon } from '../../../../model/engine/ownAddon.js';
import { type StepInput, StepRunner } from '../../../../model/engine/recording/stepRunner.js';
import { graphRecorder, startEngine } from '../../../../model/engine/startEngine.js';
import { watchedRecorder } from './watchedRecorder.js';

await startEngine('auto');
const recorder = graphRecorder();

const made: { dispose(): void }[] = [];
afterEach(() => {
  for (const one of made.splice(0).reverse()) one.dispose();
});

const bytes = (...values: number[]) =>
  ({ dtype: 'uint8', shape: [values.length], values: Uint8Array.from(values) }) satisfies StepInput;
const factor = (value: number): StepInput => ({ dtype: 'float32', shape: [], values: Float32Array.of(value) });

/** A runner of a step that adds its bytes, times a factor, to a variable and returns the sum of both. */
function open(staging: boolean, from: OwnAddon = recorder!, notes: string[] = []) {
  const sum = tf.tidy(() => tf.variable(tf.scalar(0)));
  const runner = new StepRunner({ variables: () => [sum], recorder: from, staging, say: (note) => notes.push(note) });
  made.push(sum, runner);
  const run = (input: StepInput, staged: { key?: string; next?: { key: string } & ReturnType<typeof bytes> } = {}) => {
    const [first, second] = runner.run(
      'add',
      [factor(2), input],
      ([by, x]) => {
        sum.assign(tf.add(sum, tf.mul(by!, tf.sum(x!))));
        return [tf.sum(x!), tf.clone(sum)];
      },
      { staged },
    );
    return [first![0], second![0]];
  };
  return { runner, run };
}

/** A recorder that writes down what is copied to the device: ahead, beside a step, or at once. */
function listening() {
  const copied: string[] = [];
  const words = (feeds: readonly { values: ArrayBufferView }[]) =>
    feeds.filter(({ values }) => values instanceof Uint8Array).map(({ values }) => `${values}`);
  const from = watchedRecorder(
    recorder!,
    () => {},
    (request, real, side) => {
      copied.push(...words(request.feeds).map((each) => `at once ${each}`));
      copied.push(...words(side?.feeds ?? []).map((each) => `ahead ${each}`));
      return real(request);
    },
  );
  return { from, copied };
}

describe.skipIf(recorder === undefined)('bytes that are staged', () => {
  it('are copied once, while the step before computes, and give the same numbers', () => {
    const { from, copied } = listening();
    const [staged, plain] = [open(true, from), open(false)];
    const all = [bytes(1, 2), bytes(200, 255), bytes(7, 0), bytes(9, 9)];
    for (const [i, input] of all.entries()) {
      const next = all[i + 1] && { key: `${i + 1}`, ...all[i + 1]! };
      expect(staged.run(input, { key: `${i}`, ...(next ? { next } : {}) })).toEqual(plain.run(input));
    }
    expect(copied).toEqual(['at once 1,2', 'ahead 200,255', 'ahead 7,0', 'ahead 9,9']);
  });

  it('are copied at once where they were not announced, or another step was', () => {
    const { from, copied } = listening();
    const { run } = open(true, from);
    expect(run(bytes(1, 2), { key: 'a', next: { key: 'b', ...bytes(3, 4) } })).toEqual([3, 6]);
    expect(run(bytes(5, 6), { key: 'c' })).toEqual([11, 28]);
    // What was ahead has made room: one step is, never two.
    expect(run(bytes(3, 4), { key: 'b' })).toEqual([7, 42]);
    expect(run(bytes(8, 8))).toEqual([16, 74]);
    expect(copied).toEqual(['at once 1,2', 'ahead 3,4', 'at once 5,6', 'at once 3,4', 'at once 8,8']);
  });

  it('have places of their own for each shape', () => {
    const { from, copied } = listening();
    const { run } = open(true, from);
    run(bytes(1, 2), { key: 'a', next: { key: 'b', ...bytes(1, 1, 1) } });
    expect(run(bytes(1, 1, 1), { key: 'b', next: { key: 'c', ...bytes(4, 4) } })).toEqual([3, 12]);
    expect(run(bytes(4, 4), { key: 'c', next: { key: 'd', ...bytes(5, 5) } })).toEqual([8, 28]);
    // The same key, but not of the shape that was announced.
    expect(run(bytes(2, 2, 2), { key: 'd' })).toEqual([6, 40]);
    expect(copied).toEqual(['at once 1,2', 'ahead 1,1,1', 'ahead 4,4', 'ahead 5,5', 'at once 2,2,2']);
  });

  it('are those from the moment of the copy', () => {
    const { run } = open(true);
    const next = { key: 'b', ...bytes(3, 4) };
    run(bytes(1, 2), { key: 'a', next });
    next.values.fill(0);
    expect(run(bytes(3, 4), { key: 'b' })[0]).toBe(7);
  });

  it('are of no interest to steps that run eagerly, also once recording was given up', () => {
    const notes: string[] = [];
    const failing = watchedRecorder(
      recorder!,
      () => {},
      (request, real, side) => {
        if (side) throw new Error("No OpKernel was registered to support Op 'Sum'");
        return real(request);
      },
    );
    const { run, runner } = open(true, failing, notes);
    expect(runner.staging).toBe(true);
    const next = { key: 'b', ...bytes(3, 4) };
    expect(run(bytes(1, 2), { key: 'a', next })).toEqual([3, 6]);
    expect(notes[0]).toContain('all goes on eagerly');
    expect(runner.staging).toBe(false);
    expect(run(bytes(3, 4), { key: 'b', next: { key: 'c', ...bytes(1) } })).toEqual([7, 20]);
  });

  it('that cannot be copied end the step with an error, and are copied at once by the next', () => {
    const { run } = open(true);
    run(bytes(1, 2), { key: 'a' });
    const short = { key: 'b', ...bytes(3), shape: [2] };
    expect(() => run(bytes(1, 2), { key: 'c', next: short })).toThrow('Expected 2 bytes for a tensor but received 1');
    expect(run(bytes(3, 4), { key: 'b' })[0]).toBe(7);
  });
});

describe.skipIf(recorder === undefined)('a run beside another', () => {
  const type = (value: number) => ({ kind: 'type', value }) as const;
  /** A graph with entry points that double a number, or read out of place. */
  function graph() {
    const native = new recorder!.Graph({ intraOpThreads: 1, interOpThreads: 1 });
    made.push(native);
    const node = (name: string, kind: string, inputs: number[], attributes: object) =>
      native.addOperation({ type: kind, name, inputs, controls: [], attributes: attributes as never });
    const float = { dtype: type(1), shape: { kind: 'shape', value: [2] } };
    const index = { dtype: type(3), shape: { kind: 'shape', value: [1] } };
    const entry = (name: string) => {
      const x = node(`${name}/x`, 'Placeholder', [], float).outputs[0]!.output;
      const at = node(`${name}/at`, 'Placeholder', [], index).outputs[0]!.output;
      const attributes = { Tparams: type(1), Tindices: type(3), validate_indices: { kind: 'bool', value: true } };
      const gather = node(`${name}/gather`, 'Gather', [x, at], attributes);
      return (where: number) => ({
        feeds: [
          { output: x, shape: [2], values: Float32Array.of(5, 6) },
          { output: at, shape: [1], values: Int32Array.of(where) },
        ],
        fetches: [gather.outputs[0]!.output],
        targets: [],
      });
    };
    return { native, main: entry('main'), side: entry('side') };
  }

  it('gives what the main one does', () => {
    const { native, main, side } = graph();
    expect([...new Float32Array(native.runBeside(main(1), side(0)).values[0]!.values)]).toEqual([6]);
  });

  it('goes on at the same time as that', () => {
    const script = fileURLToPath(new URL('besideEachOther.mjs', import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 60_000 });
    expect(stdout, stderr).toBe('met, 4\n');
  }, 90_000);

  it('fails with the first error, that of the main one before all', () => {
    const { native, main, side } = graph();
    expect(() => native.runBeside(main(0), side(7))).toThrow(/^beside the recorded step: .*= 7 is not in \[0, 2\)/);
    expect(() => native.runBeside(main(8), side(0))).toThrow(/^the recorded step: .*= 8 is not in \[0, 2\)/);
    expect(() => native.runBeside(main(8), side(7))).toThrow(/^the recorded step: .*= 8 is not in \[0, 2\)/);
    // And harms nothing that comes after it.
    expect([...new Float32Array(native.runBeside(main(0), side(1)).values[0]!.values)]).toEqual([5]);
  });
});
