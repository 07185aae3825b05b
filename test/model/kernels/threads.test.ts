import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ownOperationsInUse } from '../../../model/engine/ownOperations.js';
import { startEngine } from '../../../model/engine/startEngine.js';

await startEngine();
const root = fileURLToPath(new URL('../../../', import.meta.url));

async function digests(threads: number, ...mode: 'graph'[]): Promise<Record<string, string>> {
  const { TF_NUM_INTRAOP_THREADS: _, ...env } = process.env;
  const program = fileURLToPath(new URL('digestKernels.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(threads), ...mode], {
    cwd: root,
    env,
  });
  const report = JSON.parse(stdout.trim().split('\n').at(-1)!) as { threads: number; digests: Record<string, string> };
  expect(report.threads).toBe(threads);
  return report.digests;
}

/** The operations that the sources register. */
function registered(): string[] {
  const folder = new URL('../../../model/kernels/', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.h'))
    .flatMap((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      const plain = [...text.matchAll(/REGISTER_OP\("(Stf\w+)"\)/g)].map((match) => match[1]!);
      const activations = [...text.matchAll(/^STF_REGISTER_ACTIVATION\((\w+)\)/gm)].map((match) => `Stf${match[1]}`);
      return [...plain, ...activations.flatMap((name) => [name, `${name}Gradient`])];
    })
    .sort();
}

describe.runIf(ownOperationsInUse())('our own operations', () => {
  test('give the same bits with any number of threads and in a graph, each of them', async () => {
    const [one, two, five] = [await digests(1), await digests(2), await digests(5)];
    const covered = new Set(Object.keys(one).map((name) => name.split(' ')[0]!));
    expect([...covered].sort()).toEqual(registered());
    expect(two).toEqual(one);
    expect(five).toEqual(one);
    // In a graph they also write over their operands, and their shapes are inferred.
    expect(await digests(2, 'graph')).toEqual(one);
  });
});
