import * as tf from '@tensorflow/tfjs';
import { convNextNamings, efficientNetNamings, type Naming } from '../trunk/backboneNaming.js';
import { averagedWeights } from './averagedWeights.js';
import { CheckpointError } from './checkpointError.js';
import type { HostTensor } from './hostTensor.js';
import { loadWeights } from './loadWeights.js';
import { printable } from './printable.js';
import { fromTorchLayout } from './torchLayout.js';
import { readWeightFile } from './weightFile.js';

export type BackboneReport = {
  /** Whose names the file uses. */
  source: string;
  /** Names of the model that were filled. */
  loaded: string[];
  /** Names of the model that the file lacks and may lack; they keep their values. */
  missing: string[];
  /** Names of the file that no backbone takes: classifiers, counters, parts of other models. */
  unexpected: string[];
};

const prefix = 'backbone.';
/** Every checkpoint of a run has this tensor, and nobody else's file. */
const ownMark = 'dwt.alpha_logit';
/** Files of self-supervised pretraining (FCMAE) and feature extractors have no norm before the classifier. */
const dispensable = /^backbone\.head\.norm\./;
const listed = 6;
const someOf = (names: readonly string[]) =>
  names.slice(0, listed).map(printable).join(', ') + (names.length > listed ? `, … (${names.length})` : '');

/**
 * Fills a model's backbone with someone's weights: safetensors or PyTorch's `.pt`, `.pth`; names of timm, of the
 * authors' code or of Hugging Face, with or without a common prefix; PyTorch's layouts; float16, bfloat16, float32. Or
 * a checkpoint of another run, whatever its phase and the size of its clips. All or nothing.
 *
 * @throws CheckpointError when the file cannot be read, is of another network, lacks weights, has other shapes or holds
 *   what is no finite number
 */
export async function loadBackbone(
  model: { readonly parameters: ReadonlyMap<string, tf.Variable> },
  path: string,
): Promise<BackboneReport> {
  const tensors = await readWeightFile(path);
  try {
    return fillBackbone(model, tensors);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`cannot use weights ${path}: ${error.message}`, { cause: error });
  }
}

/** The same from tensors in memory. */
export function fillBackbone(
  model: { readonly parameters: ReadonlyMap<string, tf.Variable> },
  tensors: ReadonlyMap<string, HostTensor>,
): BackboneReport {
  if (tensors.has(ownMark)) return fillFromRun(model.parameters, tensors);
  const { naming, shared } = detectNaming(namingsFor(model.parameters), tensors);
  const report: BackboneReport = { source: naming.source, loaded: [], missing: [], unexpected: [] };
  const found = new Map<string, [name: string, tensor: HostTensor]>();
  for (const [name, tensor] of tensors) {
    const renamed = name.startsWith(shared) ? naming.rename(name.slice(shared.length)) : undefined;
    if (renamed !== undefined && model.parameters.has(prefix + renamed)) found.set(prefix + renamed, [name, tensor]);
    else report.unexpected.push(name);
  }
  const wanted = [...model.parameters].filter(([name]) => name.startsWith(prefix));
  report.missing = wanted.map(([name]) => name).filter((name) => !found.has(name));
  const indispensable = report.missing.filter((name) => !dispensable.test(name));
  if (indispensable.length > 0) {
    const left = report.unexpected.length > 0 ? `; it has instead ${someOf(report.unexpected)}` : '';
    throw new CheckpointError(`expected all weights of the backbone, but it lacks ${someOf(indispensable)}${left}`);
  }
  tf.tidy(() => {
    const values = wanted.flatMap(([name, variable]) => {
      const [key, tensor] = found.get(name) ?? [];
      return key && tensor ? [{ name, variable, value: fromTorchLayout(tensor, key, variable.shape) }] : [];
    });
    for (const { name, variable, value } of values) {
      variable.assign(value);
      report.loaded.push(name);
    }
  });
  return report;
}

/** A run's checkpoint is in our own layout; its names alone would pass for timm's. */
function fillFromRun(
  parameters: ReadonlyMap<string, tf.Variable>,
  tensors: ReadonlyMap<string, HostTensor>,
): BackboneReport {
  const isBackbone = ([name]: [string, unknown]) => name.startsWith(prefix);
  const weights = new Map([...averagedWeights(tensors)].filter(isBackbone));
  const { loaded } = loadWeights({ parameters: new Map([...parameters].filter(isBackbone)) }, weights, 'strict');
  const unexpected = [...tensors.keys()].filter((name) => !weights.has(name));
  return { source: 'another run', loaded, missing: [], unexpected };
}

function namingsFor(parameters: ReadonlyMap<string, tf.Variable>): readonly Naming[] {
  if (parameters.has(`${prefix}stem.0.weight`)) return convNextNamings;
  if (parameters.has(`${prefix}conv_stem.weight`)) return efficientNetNamings;
  throw new CheckpointError('the native trunk has no pretrained weights: expected another model.spatial_backbone');
}

/** Finds the naming whose probe the file has, and what stands before it. */
function detectNaming(
  namings: readonly Naming[],
  tensors: ReadonlyMap<string, HostTensor>,
): { naming: Naming; shared: string } {
  for (const naming of namings) {
    for (const name of tensors.keys()) {
      if (name === naming.probe || name.endsWith(`.${naming.probe}`)) {
        return { naming, shared: name.slice(0, -naming.probe.length) };
      }
    }
  }
  const expected = namings.map(({ source, probe }) => `${probe} (${source})`).join(' or ');
  throw new CheckpointError(`expected a tensor named ${expected}, found ${someOf([...tensors.keys()]) || 'none'}`);
}
