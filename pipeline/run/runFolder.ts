import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeAtomically } from '../../model/index.js';
import { truncateJsonLines } from '../../operators/index.js';
import { UserError } from '../userError.js';
import type { RunState } from './runState.js';

const LAST = 'last.safetensors';

const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

/** The files of one run; names are relied on by other programs. */
export class RunFolder {
  private constructor(readonly path: string) {}

  /** @throws UserError when the folder cannot be made or written to. */
  static async at(path: string): Promise<RunFolder> {
    const folder = new RunFolder(resolve(path));
    try {
      await mkdir(folder.checkpoints, { recursive: true });
      await access(folder.path, constants.W_OK);
    } catch (error) {
      throw new UserError(`--out: cannot write to ${folder.path}: ${(error as Error).message}`);
    }
    return folder;
  }

  /** The newest folder in `parent` whose name ends in `suffix` and that has a checkpoint; names begin with the time. */
  static async latest(parent: string, suffix: string): Promise<string | undefined> {
    const names = await readdir(parent).catch(() => []);
    for (const name of names
      .filter((entry) => entry.endsWith(suffix))
      .sort()
      .reverse())
      if (await exists(join(parent, name, 'checkpoints', LAST))) return join(parent, name);
    return undefined;
  }

  /** Whether a run was begun in a folder, which need not exist. */
  static holdsRunAt(path: string): Promise<boolean> {
    return exists(join(path, 'config.json'));
  }

  get checkpoints(): string {
    return join(this.path, 'checkpoints');
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Whether a run was begun here. */
  holdsRun(): Promise<boolean> {
    return RunFolder.holdsRunAt(this.path);
  }

  /** The checkpoint that `--resume auto` continues from, if one was written. */
  async lastCheckpoint(): Promise<string | undefined> {
    const file = join(this.checkpoints, LAST);
    return (await exists(file)) ? file : undefined;
  }

  /** Forgets what was logged after `state` was saved, so that the resumed run writes those lines again. */
  async rewindTo(state: Pick<RunState, 'step' | 'quarantined'>): Promise<void> {
    const upTo = (row: Record<string, unknown>) => Number(row.step) <= state.step;
    await truncateJsonLines(this.file('metrics.jsonl'), upTo);
    await truncateJsonLines(this.file('batches.jsonl'), upTo);
    await truncateJsonLines(this.file('quarantine.jsonl'), (row) => state.quarantined.includes(String(row.clip)));
  }

  async writeJson(name: string, value: unknown): Promise<void> {
    await writeAtomically(this.file(name), `${JSON.stringify(value, null, 2)}\n`);
  }
}
