import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UserError } from '../userError.js';

/** The GPU of this machine; of several equal ones the first, and how many there are. */
export type GraphicsCard = { name: string; memoryMiB: number; count: number };

/** What `nvidia-smi --query-gpu=name,memory.total --format=csv,noheader,nounits` prints. @throws UserError otherwise. */
export function parseGraphicsCards(text: string): GraphicsCard {
  const cards = text
    .trim()
    .split('\n')
    .map((line) => {
      const comma = line.lastIndexOf(',');
      return { name: line.slice(0, comma).trim(), memoryMiB: Number(line.slice(comma + 1)) };
    });
  const [first] = cards;
  if (!first || first.name === '' || !(first.memoryMiB > 0))
    throw new UserError(`nvidia-smi: expected lines "name, MiB" but received ${JSON.stringify(text.trim())}`);
  return { ...first, count: cards.length };
}

/** Asks nvidia-smi; undefined where there is none. @throws UserError when it finds no card, or a driver fails. */
export async function findGraphicsCard(): Promise<GraphicsCard | undefined> {
  try {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
    return parseGraphicsCards((await promisify(execFile)('nvidia-smi', query, { timeout: 30_000 })).stdout);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, stdout = '', stderr = '' } = error as NodeJS.ErrnoException & { stdout?: string; stderr?: string };
    if (code === 'ENOENT') return undefined;
    const said = `${stdout} ${stderr}`.trim();
    throw new UserError(
      `nvidia-smi failed: ${said || (error as Error).message}; is the driver of this machine loaded?`,
    );
  }
}
