import { access, constants, mkdir, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeAtomically } from '../../model/index.js';
import { truncateJsonLines } from '../../operators/index.js';
import { UserError } from '../userError.js';
import { olderCheckpoints } from './olderCheckpoints.js';
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
      if (
        (await exists(join(parent, name, 'checkpoints', LAST))) ||
        (await olderCheckpoints(join(parent, name, 'checkpoints'))).length > 0
      )
        return join(parent, name);
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

  get last(): string {
    return join(this.checkpoints, LAST);
  }

  /** The checkpoints that `--resume auto` may continue from, newest first. */
  async resumable(): Promise<string[]> {
    const older = (await olderCheckpoints(this.checkpoints)).map(({ file }) => file);
    return (await exists(this.last)) ? [this.last, ...older] : older;
  }

  /**
   * Makes sure that the folder is still there: on a network volume that was lost, writing would otherwise make it anew
   * beneath the place where the volume comes back. @throws an error that passes when it does.
   */
  async assertThere(): Promise<void> {
    if (await exists(this.checkpoints)) return;
    throw Object.assign(new Error(`the run's folder ${this.path} is gone`), { code: 'ENOTCONN' });
  }

  /** Forgets what was logged after `state` was saved, so that the resumed run writes those lines again. */
  async rewindTo(state: Pick<RunState, 'step' | 'quarantined' | 'validatedStep'>): Promise<void> {
    const upTo = (row: Record<string, unknown>) => Number(row.step) <= state.step;
    // A validation after the checkpoint of its own step will be made again.
    const known = (row: Record<string, unknown>) =>
      upTo(row) && !(row.kind === 'val' && Number(row.step) > (state.validatedStep ?? state.step));
    await truncateJsonLines(this.file('metrics.jsonl'), known);
    await truncateJsonLines(this.file('batches.jsonl'), upTo);
    await truncateJsonLines(this.file('quarantine.jsonl'), (row) => state.quarantined.includes(String(row.clip)));
  }

  async writeJson(name: string, value: unknown): Promise<void> {
    await writeAtomically(this.file(name), `${JSON.stringify(value, null, 2)}\n`);
  }
}
