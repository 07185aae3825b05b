import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectFolder } from '../projectFolder.js';

export type CommandName = 'train' | 'evaluate';

export type CommandEnd = {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last `error: …` that it said. */
  error: string | undefined;
};

/** One command of a sweep as a process of its own: what breaks it does not break the sweep. */
export class CommandProcess {
  readonly ended: Promise<CommandEnd>;
  readonly #child: ChildProcess;

  /**
   * @param log everything it says is added here
   * @param say told of every line
   */
  constructor(command: CommandName, args: readonly string[], log: string, say: (line: string) => void) {
    // A process group of its own: Ctrl-C reaches the sweep alone, which passes it on once. A second signal would end
    // the run without a checkpoint.
    this.#child = spawn(process.execPath, [join(projectFolder, 'pipeline', `${command}.js`), ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const file = createWriteStream(log, { flags: 'a' });
    file.on('error', () => {}); // a log that cannot be written must not end the run that writes it
    let error: string | undefined;
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      createInterface({ input: stream }).on('line', (line) => {
        file.write(`${line}\n`);
        if (/^(internal )?error[:,]/.test(line)) error = line.replace(/^error: /, '');
        say(line);
      });
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (failure) => resolve({ code: null, signal: null, error: failure.message }));
      this.#child.on('close', (code, signal) => {
        file.end();
        resolve({ code, signal, error });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  stop(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Whether a process of an earlier sweep still trains into `folder`. Known on Linux; elsewhere false. */
export async function stillTrains(pid: number, folder: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const words = command.split('\0');
  return words.some((word) => word.endsWith('train.js')) && words.includes(folder);
}
