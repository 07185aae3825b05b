import * as tf from '@tensorflow/tfjs';
import { CheckpointError } from './checkpointError.js';
import type { HostTensor } from './hostTensor.js';

/** Tensors of a checkpoint that are not the model's weights: the optimiser's state and the moving average. */
export const isTrainingState = (name: string): boolean => name.startsWith('optim.') || name.startsWith('ema.');

export type LoadReport = {
  /** Names whose weights were taken over. */
  loaded: string[];
  /** Names of the model that the file lacks; they keep their values. */
  missing: string[];
  /** Names of the file that the model lacks. */
  unexpected: string[];
  /** Names of both whose dtype or shape differ; the model keeps its values. */
  mismatched: { name: string; expected: string; received: string }[];
};

/** Names to list before the rest is only counted. */
const listed = 8;
const list = (title: string, entries: string[]) =>
  entries.length === 0
    ? []
    : [`${title} (${entries.length}): ${entries.slice(0, listed).join(', ')}${entries.length > listed ? ', …' : ''}`];

/** The differences of a report, one line a kind; empty when everything fits. */
export const describeLoad = ({ missing, unexpected, mismatched }: LoadReport): string[] => [
  ...list('missing', missing),
  ...list('unexpected', unexpected),
  ...list(
    'of another shape',
    mismatched.map(({ name, expected, received }) => `${name} (expected ${expected}, received ${received})`),
  ),
];

/**
 * Puts a checkpoint's weights into a model, by name.
 *
 * `strict` takes all or nothing: it throws CheckpointError, with the model untouched, when any name or shape differs.
 * `flexible` takes every tensor of equal name and shape, as when Phase B starts from Phase A, and reports the rest.
 */
export function loadWeights(
  model: { readonly parameters: ReadonlyMap<string, tf.Variable> },
  tensors: ReadonlyMap<string, HostTensor>,
  mode: 'strict' | 'flexible',
): LoadReport {
  const report: LoadReport = { loaded: [], missing: [], unexpected: [], mismatched: [] };
  for (const [name, { shape }] of model.parameters) {
    const tensor = tensors.get(name);
    const [expected, received] = [`F32 [${shape}]`, tensor && `${tensor.dtype} [${tensor.shape}]`];
    if (received === undefined) report.missing.push(name);
    else if (received === expected) report.loaded.push(name);
    else report.mismatched.push({ name, expected, received });
  }
  for (const name of tensors.keys()) {
    if (!model.parameters.has(name) && !isTrainingState(name)) report.unexpected.push(name);
  }
  const differences = describeLoad(report);
  if (mode === 'strict' && differences.length > 0) {
    throw new CheckpointError(`the checkpoint holds another network:\n  ${differences.join('\n  ')}`);
  }
  for (const name of report.loaded) {
    const variable = model.parameters.get(name)!;
    tf.tidy(() => variable.assign(tf.tensor(tensors.get(name)!.data as Float32Array, variable.shape, 'float32')));
  }
  return report;
}
