import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { projectFolder } from '../projectFolder.js';
import { UserError } from '../userError.js';

/** US dollars per hour by GPU, as the user wrote them. */
export type PriceTable = ReadonlyMap<string, number>;

export const pricesFile = join(projectFolder, 'configs', 'prices.yaml');

/** @throws UserError naming file and entry. */
export function parsePrices(text: string, file: string): PriceTable {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    // A ReferenceError is an alias that nothing defines.
    if (error instanceof YAMLParseError || error instanceof ReferenceError)
      throw new UserError(`${file}: not valid YAML: ${error.message}`);
    throw error;
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new UserError(`${file}: expected lines "<GPU>: <USD per hour>"`);
  for (const [gpu, price] of Object.entries(content))
    if (typeof price !== 'number' || !Number.isFinite(price) || price < 0)
      throw new UserError(`${file}: expected USD per hour for "${gpu}" but received ${JSON.stringify(price)}`);
  return new Map(Object.entries(content as Record<string, number>));
}

export async function readPrices(file = pricesFile): Promise<PriceTable> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UserError(`cannot read the price table ${file}: ${error.message}`);
  });
  return parsePrices(text, file);
}

const words = (name: string) => name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
const isIn = (part: readonly string[], whole: readonly string[]) =>
  part.length > 0 && part.every((word) => whole.includes(word));

/**
 * The entry for a GPU, however it is called: `4090`, `RTX 4090`, `rtx4090` or `NVIDIA GeForce RTX 4090`. By words, since
 * an RTX A1000 is no A100. Of several entries the one with most words in common counts ("A100 40GB" before "A100").
 */
export function priceOf(table: PriceTable, gpu: string): { gpu: string; usdPerHour: number } | undefined {
  const asked = words(gpu);
  const found = [...table]
    .map(([name, usdPerHour]) => ({ gpu: name, usdPerHour, words: words(name) }))
    .filter((entry) => isIn(entry.words, asked) || entry.words.join('') === asked.join(''))
    .sort((a, b) => b.words.length - a.words.length)[0];
  const abbreviated = [...table].filter(([name]) => isIn(asked, words(name)));
  if (found) return { gpu: found.gpu, usdPerHour: found.usdPerHour };
  const [only] = abbreviated;
  return abbreviated.length === 1 && only ? { gpu: only[0], usdPerHour: only[1] } : undefined;
}
