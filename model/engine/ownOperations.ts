import * as tf from '@tensorflow/tfjs';
import type { GraphAttribute } from './ownAddon.js';

/** What the native backend offers to kernels, as far as it is used here. */
type KernelBackend = {
  readonly binding: Record<'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_STRING', number>;
  executeMultipleOutputs(
    name: string,
    attributes: { name: string; type: number; value: unknown }[],
    inputs: tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
};

/** Attributes of an operation of ours. */
export type OperationAttributes = Readonly<Record<string, Extract<GraphAttribute, { kind: 'int' | 'float' | 'bool' }>>>;

let unavailable: string | undefined = 'no engine has been started';
let enabled = true;

/** Says whether the engine that was started has our operations: undefined, or why it has not. */
export function announceOwnOperations(reason: string | undefined): void {
  unavailable = reason;
}

/** Switches our operations off, or on where the engine has them. */
export function useOwnOperations(on: boolean): void {
  enabled = on;
}

/** Computes `body` by compositions alone. */
export function withoutOwnOperations<Result>(body: () => Result): Result {
  const before = enabled;
  enabled = false;
  try {
    return body();
  } finally {
    enabled = before;
  }
}

/**
 * Whether layers compute by our own operations (model/kernels) or by their compositions of TensorFlow's, which give the
 * same numbers within rounding and run everywhere.
 */
export function ownOperationsInUse(): boolean {
  return enabled && unavailable === undefined && tf.getBackend() === 'tensorflow';
}

/** Why they are not in use, in words; undefined where they are. */
export function whyNoOwnOperations(): string | undefined {
  if (!enabled) return 'switched off by engine.kernels';
  return unavailable ?? (tf.getBackend() === 'tensorflow' ? undefined : `the engine is ${tf.getBackend()}`);
}

/** Runs an operation of ours. It has no gradient by itself: see layers/differentiable.ts. */
export function ownOperation(
  name: `Stf${string}`,
  attributes: OperationAttributes,
  inputs: tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const backend = tf.backend() as unknown as KernelBackend;
  const { binding } = backend;
  const types = { int: binding.TF_ATTR_INT, float: binding.TF_ATTR_FLOAT, bool: binding.TF_ATTR_BOOL };
  const listed = Object.entries(attributes).map(([key, { kind, value }]) => ({ name: key, type: types[kind], value }));
  return backend.executeMultipleOutputs(name, listed, inputs, outputs);
}
