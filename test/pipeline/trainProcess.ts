import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { projectFolder } from '../../pipeline/projectFolder.js';

/* Runs the train command as its users do, with faults where a test asks for them. */

const PRELOAD = join(projectFolder, 'test', 'pipeline', 'faults', 'preload.mjs');

export type Ended = { code: number | null; signal: NodeJS.Signals | null; text: string };
export type TrainProcessOptions = {
  args: readonly string[];
  /** As test/pipeline/faults/preload.mjs describes them. */
  faults?: Record<string, string>;
  onText?: (text: string, child: ChildProcess) => void;
};

/** The words that start it, from the program on. */
export const trainWords = (args: readonly string[], faults?: object): string[] => [
  ...[process.execPath, ...(faults ? ['--import', PRELOAD] : []), join(projectFolder, 'pipeline', 'train.js'), ...args],
];

export function runTrain({ args, faults, onText }: TrainProcessOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const [program, ...words] = trainWords(args, faults);
    const child = spawn(program!, words, { cwd: projectFolder, env: { ...process.env, ...faults } });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk;
        onText?.(text, child);
      });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ code, signal, text }));
  });
}

export const rowsOf = async (file: string): Promise<Record<string, unknown>[]> =>
  (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** What a file says once it is there, written by a process that nobody waits for. */
export async function awaitFile(file: string, ms: number): Promise<string> {
  for (const begun = performance.now(); ; await delay(100)) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text !== '' || performance.now() - begun > ms) return text;
  }
}
