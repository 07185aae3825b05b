import * as tf from '@tensorflow/tfjs';
import { assertFinite } from './assertFinite.js';
import { CheckpointError } from './checkpointError.js';
import type { HostTensor } from './hostTensor.js';
import { printable } from './printable.js';
import { valueText } from './valueText.js';

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

/** Beginnings of names in the file, and of the names in the model that take them where the file has none. */
export type WeightAliases = Readonly<Record<string, string>>;

/** Names to list before the rest is only counted. */
const listed = 8;
const list = (title: string, entries: string[]) =>
  entries.length === 0
    ? []
    : [`${title} (${entries.length}): ${entries.slice(0, listed).join(', ')}${entries.length > listed ? ', …' : ''}`];

/** The differences of a report, one line a kind; empty when everything fits. */
export const describeLoad = ({ missing, unexpected, mismatched }: LoadReport): string[] => [
  ...list('missing', missing),
  ...list('unexpected', unexpected.map(printable)),
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
 * Both refuse weights that are not finite.
 *
 * @param aliases other names under which the file may hold what the model asks for
 */
export function loadWeights(
  model: { readonly parameters: ReadonlyMap<string, tf.Variable> },
  tensors: ReadonlyMap<string, HostTensor>,
  mode: 'strict' | 'flexible',
  aliases: WeightAliases = {},
): LoadReport {
  const report: LoadReport = { loaded: [], missing: [], unexpected: [], mismatched: [] };
  const named = renamed(tensors, model.parameters, aliases);
  for (const [name, { shape }] of model.parameters) {
    const tensor = named.get(name);
    if (!tensor) report.missing.push(name);
    else if (tensor.dtype === 'F32' && tf.util.arraysEqual(tensor.shape, shape)) report.loaded.push(name);
    else {
      const received = `${tensor.dtype} ${valueText(tensor.shape)}`;
      report.mismatched.push({ name, expected: `F32 [${shape}]`, received });
    }
  }
  for (const name of named.keys()) {
    if (!model.parameters.has(name) && !isTrainingState(name)) report.unexpected.push(name);
  }
  const differences = describeLoad(report);
  if (mode === 'strict' && differences.length > 0) {
    throw new CheckpointError(`the checkpoint holds another network:\n  ${differences.join('\n  ')}`);
  }
  const values = report.loaded.map((name) => named.get(name)!.data as Float32Array);
  report.loaded.forEach((name, i) => {
    assertFinite(name, values[i]!);
  });
  report.loaded.forEach((name, i) => {
    const variable = model.parameters.get(name)!;
    tf.tidy(() => variable.assign(tf.tensor(values[i]!, variable.shape, 'float32')));
  });
  return report;
}

/** The tensors under the names that the model asks for; a tensor of the very name goes before an alias. */
function renamed(
  tensors: ReadonlyMap<string, HostTensor>,
  wanted: ReadonlyMap<string, unknown>,
  aliases: WeightAliases,
): ReadonlyMap<string, HostTensor> {
  const other = (name: string) => {
    const [from, to] = Object.entries(aliases).find(([beginning]) => name.startsWith(`${beginning}.`)) ?? [];
    const alias = from !== undefined ? to + name.slice(from.length) : undefined;
    return alias !== undefined && wanted.has(alias) && !tensors.has(alias) && !wanted.has(name) ? alias : name;
  };
  return new Map([...tensors].map(([name, tensor]) => [other(name), tensor]));
}
