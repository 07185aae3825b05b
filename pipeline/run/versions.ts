import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { projectFolder } from '../projectFolder.js';

const require = createRequire(import.meta.url);

/** The commit of the checkout, with `-dirty` when it has changes; null outside git. */
async function gitRevision(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(
      'git',
      ['describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'],
      {
        cwd: projectFolder,
      },
    );
    return stdout.trim();
  } catch {
    return null;
  }
}

/** What a run was made with, for config.json. */
export async function versions(): Promise<object> {
  const own = require('stf-mamba/package.json') as { version: string; dependencies: Record<string, string> };
  return {
    stf_mamba: own.version,
    git: await gitRevision(),
    node: process.version,
    dependencies: own.dependencies,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
  };
}
