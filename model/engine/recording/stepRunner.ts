import * as tf from '@tensorflow/tfjs';
import { byteTensor } from '../byteTensor.js';
import type { OwnAddon, RunAnswer, RunRequest } from '../ownAddon.js';
import { FeedStaging, type StagedBytes } from './feedStaging.js';
import { GraphVariables } from './graphVariables.js';
import { type GraphTensor, RecordedGraph, TYPES } from './recordedGraph.js';
import { RecordingError } from './recordingError.js';
import { Tracer } from './tracer.js';

/** What enters a step, in host memory. Bytes become float32 of the same numbers. */
export type StepInput =
  | { dtype: 'uint8'; shape: number[]; values: Uint8Array }
  | { dtype: 'float32'; shape: number[]; values: Float32Array }
  | { dtype: 'int32'; shape: number[]; values: Int32Array };

type ByteInput = Extract<StepInput, { dtype: 'uint8' }>;

/** A computation over inputs and variables. It may assign variables; what it returns is fetched. */
export type StepFunction = (inputs: tf.Tensor[]) => tf.Tensor[];

export type StepRunnerOptions = {
  /** All variables that steps read or assign. */
  variables: () => readonly tf.Variable[];
  /** Records steps and runs them as graphs; without it they are computed operation by operation. */
  recorder?: OwnAddon;
  threads?: number;
  /** Whether recorded steps read their bytes from where they were staged, for those steps that ask for it. */
  staging?: boolean;
  /** Told once why recording was given up. */
  say?: (note: string) => void;
};

export type RunOptions = {
  /** Matrix products and convolutions of a recorded step in bfloat16, all else in float32. */
  bfloat16?: boolean;
  /** Also measures each node of a recorded step. */
  profile?: boolean;
  /**
   * The step's first bytes go over a staging place on the device, where the runner stages at all. `key` says which
   * bytes they are; `next` are those of the step that follows, copied there while this one computes.
   */
  staged?: { key?: string; next?: StagedBytes };
};

type Recording = {
  feeds: GraphTensor[];
  /** Which of the inputs is staged and not fed; −1 for none. */
  staged: number;
  fetches: GraphTensor[];
  targets: number[];
  flops: number;
  /** It has been run: TensorFlow has a kernel for each of its nodes. */
  proven: boolean;
};

/** What TensorFlow says, before it computes anything, of a node that the device has no kernel for. */
const noKernel = /No OpKernel|no supported kernel|not supported by (the|any) device|Could not satisfy .*device/i;

/** Where the time of a recorded step went: nodes with their times. */
export type StepProfile = { name: string; label: string; begin: number; microseconds: number }[];

/**
 * Runs the steps of training. With a recorder each step is recorded as a graph when it is first asked for with inputs
 * of some shapes, and run as a session from then on: one call instead of thousands, with TensorFlow's graph optimiser
 * at work and the variables staying inside.
 *
 * A step that cannot be recorded (it reads a value back, or has an operation that TensorFlow does not know) ends
 * recording for good, with a note; all goes on eagerly from the same state.
 */
export class StepRunner {
  readonly #options: StepRunnerOptions;
  #graph: { graph: RecordedGraph; variables: GraphVariables; staging: FeedStaging } | undefined;
  #recorder: OwnAddon | undefined;
  readonly #recordings = new Map<string, Recording>();
  #profile: StepProfile | undefined;
  #flops: number | undefined;

  constructor(options: StepRunnerOptions) {
    this.#options = options;
    this.#recorder = options.recorder;
  }

  /** How steps are run. */
  get mode(): 'recorded' | 'eager' {
    return this.#recorder ? 'recorded' : 'eager';
  }

  /** Whether the bytes of a next step can be staged. */
  get staging(): boolean {
    return this.mode === 'recorded' && this.#options.staging === true;
  }

  /** Nodes recorded so far. */
  get nodes(): number {
    return this.#graph?.graph.nodes ?? 0;
  }

  /** Floating-point operations of the last step, if it was a recorded one. */
  get flops(): number | undefined {
    return this.#flops;
  }

  /** Times of the nodes of the last step, if it was asked to `profile`. */
  get profile(): StepProfile | undefined {
    return this.#profile;
  }

  /**
   * Runs a step.
   *
   * @param name what the step is called; the same name stands for the same computation
   * @returns what the step gave, in host memory
   */
  run(name: string, inputs: StepInput[], step: StepFunction, options: RunOptions = {}): Float32Array[] {
    if (!this.#recorder) return eagerly(inputs, step);
    let recording: Recording;
    try {
      recording = this.#recorded(name, inputs, step, options);
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      this.#giveUp(
        `the step "${name}" cannot be recorded (${error.message}); all goes on eagerly, in float32, which is slower`,
      );
      return eagerly(inputs, step);
    }
    const { variables, staging } = this.#graph!;
    const { staged } = recording;
    variables.load();
    let answer: RunAnswer;
    try {
      if (staged >= 0) staging.take({ ...(inputs[staged] as ByteInput), key: options.staged?.key });
      const request: RunRequest = {
        feeds: inputs
          .map(({ shape, values }, i) => ({ output: recording.feeds[i]!.output, shape, values }))
          .filter((_, i) => i !== staged),
        fetches: recording.fetches.map(({ output }) => output),
        targets: recording.targets,
        profile: options.profile,
      };
      answer = staging.beside(request, staged >= 0 ? options.staged?.next : undefined);
    } catch (error) {
      const { message } = error as Error;
      if (recording.proven || !noKernel.test(message)) throw error;
      this.#giveUp(
        `the step "${name}" cannot be run as recorded (${message.split('\n')[0]}); all goes on eagerly, in float32, which is slower`,
      );
      return eagerly(inputs, step);
    }
    recording.proven = true;
    this.#profile = answer.profile;
    this.#flops = recording.flops;
    return answer.values.map(({ values }) => new Float32Array(values));
  }

  /**
   * A step as the bytes of a SavedModel's `saved_model.pb`. What it reads is written out as constants, so give the runner
   * no variables.
   *
   * @param names of the inputs and of what the step returns
   * @throws RecordingError if the step cannot be recorded
   */
  savedModel(
    inputs: Record<string, Omit<StepInput, 'values'>>,
    outputs: readonly string[],
    step: StepFunction,
  ): Uint8Array {
    if (!this.#recorder) throw new RecordingError('the engine cannot record graphs');
    this.#graph ??= this.#begin();
    const { graph, variables } = this.#graph;
    const tracer = new Tracer(graph, variables, { bfloat16: false });
    const given = Object.values(inputs);
    const feeds = given.map(({ dtype, shape }) => graph.placeholder(TYPES[dtype], shape));
    const { fetches } = record(graph, tracer, given, feeds, step);
    const named = (names: readonly string[], tensors: GraphTensor[]) =>
      Object.fromEntries(names.map((name, i) => [name, tensors[i]!.output]));
    return graph.native.savedModel({
      inputs: named(Object.keys(inputs), feeds),
      outputs: named(outputs, fetches),
    });
  }

  /** Brings the variables of tfjs up to date with what recorded steps have made of them. */
  pull(): void {
    if (!this.#graph) return;
    const { variables } = this.#graph;
    variables.load();
    for (const [i, values] of variables.read(variables.variables).entries()) {
      const variable = variables.variables[i]!;
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
    }
    variables.note(variables.variables);
  }

  dispose(): void {
    this.#graph?.graph.native.dispose();
    this.#graph = undefined;
    this.#recorder = undefined;
    this.#recordings.clear();
    this.#flops = undefined;
  }

  #giveUp(note: string): void {
    this.pull();
    this.dispose();
    this.#options.say?.(note);
  }

  #recorded(name: string, inputs: StepInput[], step: StepFunction, options: RunOptions): Recording {
    const { bfloat16 = false } = options;
    const staged = this.staging && options.staged ? inputs.findIndex(({ dtype }) => dtype === 'uint8') : -1;
    const key = `${name} ${bfloat16} ${staged} ${inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join(' ')}`;
    const known = this.#recordings.get(key);
    if (known) return known;
    this.#graph ??= this.#begin();
    const { graph, variables, staging } = this.#graph;
    const feeds = inputs.map(({ dtype, shape }, i) =>
      i === staged ? staging.front(shape) : graph.placeholder(TYPES[dtype], shape),
    );
    const tracer = new Tracer(graph, variables, { bfloat16 });
    const made = { ...record(graph, tracer, inputs, feeds, step), feeds, staged, proven: false };
    this.#recordings.set(key, made);
    return made;
  }

  #begin() {
    const intraOpThreads = this.#options.threads ?? 0;
    const graph = new RecordedGraph(new this.#recorder!.Graph({ intraOpThreads, interOpThreads: 1 }));
    const variables = new GraphVariables(graph, this.#options.variables());
    return { graph, variables, staging: new FeedStaging(graph) };
  }
}

function record(
  graph: RecordedGraph,
  tracer: Tracer,
  inputs: readonly Omit<StepInput, 'values'>[],
  feeds: readonly GraphTensor[],
  step: StepFunction,
): Pick<Recording, 'fetches' | 'targets' | 'flops'> {
  const before = graph.flops;
  return tf.tidy(() => {
    const { result, assignments } = tracer.run(() => {
      const tensors = inputs.map(({ dtype }, i) =>
        dtype === 'uint8' ? tracer.tensor(widened(graph, feeds[i]!), 'float32') : tracer.tensor(feeds[i]!, dtype),
      );
      const results = step(tensors);
      const sources = results.map((tensor) => tracer.sourceOf(tensor));
      tf.dispose(results);
      return sources;
    });
    return { fetches: result, targets: assignments, flops: graph.flops - before };
  });
}

function widened(graph: RecordedGraph, bytes: GraphTensor): GraphTensor {
  const type = (value: number) => ({ kind: 'type', value }) as const;
  const truncate = { kind: 'bool', value: false } as const;
  return graph.add('Cast', [bytes], { SrcT: type(TYPES.uint8), DstT: type(TYPES.float32), Truncate: truncate })[0]!;
}

function eagerly(inputs: StepInput[], step: StepFunction): Float32Array[] {
  const results = tf.tidy(() =>
    step(
      inputs.map(({ dtype, shape, values }) =>
        dtype === 'uint8' ? byteTensor(values, shape) : tf.tensor(values, shape, dtype),
      ),
    ),
  );
  const fetched = results.map((tensor) => tensor.dataSync<'float32'>());
  tf.dispose(results);
  return fetched;
}
