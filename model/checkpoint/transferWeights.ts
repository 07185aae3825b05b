import type * as tf from '@tensorflow/tfjs';
import { averagedWeights } from './averagedWeights.js';
import { CheckpointError } from './checkpointError.js';
import { readCheckpoint } from './checkpointFile.js';
import { describeLoad, type LoadReport, loadWeights, type WeightAliases } from './loadWeights.js';
import { printable } from './printable.js';

/** Parts of a network to name in a line; no network of ours has as many. */
const listed = 40;

/**
 * Attention layers of V7.3's transformer whose shapes equal those of V8's Mamer blocks, so that Phase B may begin with
 * them: the later layer of two to the earlier stage, since stage 4 is the one without a counterpart in V7.3.
 */
export const phaseBAliases: WeightAliases = {
  'stage4.0.attn': 'temporal4.mamer.attn',
  'stage4.1.attn': 'temporal3.mamer.attn',
};

export type TransferReport = LoadReport & {
  /** How many of the model's numbers came from the file. */
  transferred: number;
  total: number;
};

/**
 * Begins a model with what fits of another model's checkpoint, as Phase B begins with Phase A: every tensor of equal
 * name and shape, moving averages before last weights. Nothing of the optimiser is taken: moments of the old loss
 * would steer the new one, so the run starts at epoch 0 with a schedule of its own.
 *
 * @param aliases further tensors to take, by the beginnings of their names (`phaseBAliases`); none unless given
 * @throws CheckpointError when the file cannot be read or nothing in it fits
 */
export async function transferWeights(
  model: { readonly parameters: ReadonlyMap<string, tf.Variable> },
  file: string,
  aliases: WeightAliases = {},
): Promise<TransferReport> {
  const { tensors } = await readCheckpoint(file);
  try {
    const report = loadWeights(model, averagedWeights(tensors), 'flexible', aliases);
    const sizeOf = (names: Iterable<string>) =>
      [...names].reduce((sum, name) => sum + model.parameters.get(name)!.size, 0);
    if (report.loaded.length === 0) {
      throw new CheckpointError(`nothing in it fits this model:\n  ${describeLoad(report).join('\n  ')}`);
    }
    return { ...report, transferred: sizeOf(report.loaded), total: sizeOf(model.parameters.keys()) };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`cannot begin with ${file}: ${error.message}`, { cause: error });
  }
}

/**
 * A transfer in words, one line a part of the network: what was taken, what the file has in vain (`dropped`), what
 * starts anew (`fresh`), and what has another shape.
 */
export function describeTransfer({
  loaded,
  missing,
  unexpected,
  mismatched,
  transferred,
  total,
}: TransferReport): string[] {
  const parts = (names: string[]) => {
    const all = [...new Set(names.map((name) => name.split('.')[0]!))];
    return all.slice(0, listed).map(printable).join(', ') + (all.length > listed ? `, … (${all.length})` : '');
  };
  const line = (title: string, names: string[]) => (names.length > 0 ? [`${title}: ${parts(names)}`] : []);
  return [
    `${transferred} of ${total} parameters taken over (${((100 * transferred) / total).toFixed(1)} %)`,
    ...line('loaded', loaded),
    ...line('dropped', unexpected),
    ...line('fresh', missing),
    ...mismatched.map(({ name, expected, received }) => `fresh: ${name} (expected ${expected}, received ${received})`),
  ];
}
