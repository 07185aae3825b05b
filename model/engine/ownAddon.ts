import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { readEngineRecord } from './engineRecord.js';
import { kernelDigest } from './kernelSources.js';
import { ownAddonPath } from './nativePackage.js';
import { processorLevel, runsOn } from './processorLevel.js';

/** The kinds of attributes that an operation's node may carry. */
export type GraphAttribute =
  | { kind: 'type'; value: number }
  | { kind: 'float'; value: number }
  | { kind: 'int'; value: number | readonly number[] }
  | { kind: 'shape'; value: readonly number[] }
  | { kind: 'bool'; value: boolean }
  | { kind: 'string'; value: string }
  | { kind: 'tensor'; dtype: number; shape: readonly number[]; value: ArrayBufferView };

/** An output of a node: `output` stands for it as an input, `dtype` is TensorFlow's number of its type. */
export type GraphOutput = { output: number; dtype: number; shape?: number[] };

export type GraphNode = { operation: number; outputs: GraphOutput[] };

export type RunRequest = {
  feeds: readonly { output: number; shape: readonly number[]; values: ArrayBufferView }[];
  fetches: readonly number[];
  targets: readonly number[];
  profile?: boolean;
};

export type RunAnswer = {
  values: { dtype: number; shape: number[]; values: ArrayBuffer }[];
  profile?: { name: string; label: string; begin: number; microseconds: number }[];
};

/** The graph of model/kernels/graph.cc. All methods throw what TensorFlow has to say. */
export type NativeGraph = {
  addOperation(request: {
    type: string;
    name: string;
    inputs: readonly number[];
    controls: readonly number[];
    attributes: Readonly<Record<string, GraphAttribute>>;
  }): GraphNode;
  run(request: RunRequest): RunAnswer;
  /** Runs `side` in a thread of its own beside `main`, and ends with both; what `side` fetches is dropped. */
  runBeside(main: RunRequest, side: RunRequest): RunAnswer;
  /** The bytes of a `saved_model.pb` that computes `outputs` from `inputs`. */
  savedModel(request: { inputs: Record<string, number>; outputs: Record<string, number> }): Buffer;
  dispose(): void;
};

export type OwnAddon = {
  Graph: new (options: { intraOpThreads: number; interOpThreads: number }) => NativeGraph;
};

const require = createRequire(import.meta.url);

/**
 * Loads the addon that registers our operations with TensorFlow and records graphs; the native engine must be loaded.
 * @returns the addon, or in words why there is none
 */
export function loadOwnAddon(): OwnAddon | string {
  const operations = readEngineRecord()?.operations;
  if (operations && 'missing' in operations) return operations.missing;
  if (!existsSync(ownAddonPath()) || !operations) return 'they are not compiled; run `npm run setup`';
  if (operations.sources !== kernelDigest()) return 'they were compiled from other sources; run `npm run setup`';
  const reached = processorLevel();
  if (!runsOn(operations.level, reached)) {
    return `they were compiled for ${operations.level} and this processor is ${reached}; run \`npm run setup\``;
  }
  try {
    return require(ownAddonPath()) as OwnAddon;
  } catch (error) {
    return `they do not load (${error instanceof Error ? error.message.split('\n')[0] : error}); run \`npm run setup\``;
  }
}
