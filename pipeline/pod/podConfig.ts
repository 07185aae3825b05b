import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { writeAtomically } from '../../model/index.js';
import { projectFolder } from '../projectFolder.js';
import { UserError } from '../userError.js';
import { planBatch } from './batchPlan.js';
import type { GraphicsCard } from './graphicsCard.js';

export type PodConfig = { text: string; base: string };

const headOf = ({ name, memoryMiB, count }: GraphicsCard, usdPerHour: number) =>
  `# Made by pipeline/pod.js for ${count > 1 ? `${count} × ` : ''}${name}, ${memoryMiB} MiB, ${usdPerHour} USD/h.`;

/** A configuration file for this GPU: the one that is shipped for the machine nearest to it, with batch and price set. */
export async function podConfig(card: GraphicsCard, usdPerHour: number): Promise<PodConfig> {
  const base = card.name.includes('4090') ? 'v8_4090.yaml' : 'v8_a100.yaml';
  const document = parseDocument(await readFile(join(projectFolder, 'configs', base), 'utf8'));
  const { batchSize, gradAccum, gradCheckpoint } = planBatch(card.memoryMiB);
  const set = (section: string, key: string, value: number | boolean | string, comment: string) => {
    const node = document.createNode(value);
    node.comment = ` ${comment}`;
    document.setIn([section, key], node);
  };
  set(
    'data',
    'batch_size',
    batchSize,
    `${batchSize / 2} pairs: a guess for this GPU's memory from what a step takes on a CPU; memory that runs out splits them`,
  );
  set('data', 'num_workers', 0, '0: as many as the trainer turns out to need');
  set('training', 'gradient_accumulation_steps', gradAccum, `${(batchSize / 2) * gradAccum} pairs a step`);
  if (gradCheckpoint) set('training', 'grad_checkpoint', true, 'by the same guess not even one pair fits otherwise');
  set('training', 'cost_per_hour', usdPerHour, 'USD');
  // Left to choose, a run whose GPU is not seen would go on on the CPU, at the GPU's price.
  set('engine', 'name', 'tensorflow-cuda', 'stops at once where TensorFlow sees no GPU');
  // The head of the file it came from speaks of another machine.
  document.commentBefore = null;
  if (document.contents) document.contents.commentBefore = null;
  return {
    base,
    text: `${headOf(card, usdPerHour)}\n# Yours to edit: it is made anew only for another GPU or price.\n\n${document.toString()}`,
  };
}

/**
 * Writes the configuration, unless one for the same GPU and price is there already: it may have been edited. One for
 * another GPU is kept beside it as `<file>.before`.
 * @throws UserError where it cannot be written
 */
export async function writePodConfig(file: string, { text }: PodConfig): Promise<'written' | 'kept' | 'replaced'> {
  const firstLine = (content: string) => content.slice(0, content.indexOf('\n'));
  const refuse = ({ message }: Error) => {
    throw new UserError(`--out: cannot write ${file}: ${message}`);
  };
  const present = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') refuse(error);
    return undefined;
  });
  if (present !== undefined && firstLine(present) === firstLine(text)) return 'kept';
  if (present !== undefined) await rename(file, `${file}.before`).catch(refuse);
  await writeAtomically(file, text).catch(refuse);
  return present === undefined ? 'written' : 'replaced';
}
