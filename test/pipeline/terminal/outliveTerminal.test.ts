import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import { syntheticClip, writeClip } from '../../workers/syntheticClip.js';

/* What commands say on standard output, when it cannot be written or nobody reads it. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-output-'));
  await writeClip(join(folder, 'data'), syntheticClip({ id: 'a', frames: 4, size: 40 }));
  await writeFile(join(folder, 'data', 'manifest.csv'), 'id,split,label\na,train,0\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Nothing that set-up could install with. */
const env = () => ({ PATH: folder, STF_CACHE: join(folder, 'cache'), NO_COLOR: '1' });
const FULL = '/dev/full';

describe.skipIf(!existsSync(FULL))('on a full disk', () => {
  it.each([
    ['verify-data', () => [join(folder, 'data')]],
    ['sweep', () => ['--help']],
    ['setup', () => ['--help']],
    ['cli', () => ['--help']],
  ])('%s ends with one message and exit 2 in place of 0', (name, args) => {
    const call = (stdout: number | 'ignore') =>
      spawnSync(process.execPath, [`pipeline/${name}.js`, ...args()], {
        ...{ cwd: projectFolder, env: env(), encoding: 'utf8' },
        stdio: ['ignore', stdout, 'pipe'],
      });
    expect(call('ignore')).toMatchObject({ status: 0, stderr: '' });
    const full = openSync(FULL, 'w');
    const { status, stderr } = call(full);
    closeSync(full);
    expect(stderr).toBe('error: cannot write to standard output: ENOSPC: no space left on device, write\n');
    expect(status).toBe(2);
  });
});

describe('without a reader', () => {
  it('setup goes on to its own end', async () => {
    // It says a line on standard output before it finds that nothing is there to install with.
    const args = ['pipeline/setup.js', '--engine', 'tensorflow-cuda'];
    const child = spawn(process.execPath, args, { cwd: projectFolder, env: env() });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = await once(child, 'close');
    expect(stderr).toMatch(/^error: .*tensorflow-cuda.*, but it cannot be had: .*\n$/);
    expect(code).toBe(2);
  });
});
