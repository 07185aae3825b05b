import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import { RunLock } from '../../../pipeline/run/runLock.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Another process that takes the lock and stays. */
async function owner(): Promise<ChildProcess> {
  const module = pathToFileURL(join(projectFolder, 'dist', 'pipeline', 'run', 'runLock.js'));
  const program = `import { RunLock } from ${JSON.stringify(module.href)};
await RunLock.take(${JSON.stringify(folder)});
process.stdout.write('taken');
setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

const file = () => join(folder, 'run.lock');

describe('RunLock', () => {
  it('refuses a second run, in this process or another, until it is released', async () => {
    const lock = await RunLock.take(folder);
    await expect(RunLock.take(folder)).rejects.toThrow(/is in use by another run \(process \d+ on /);
    await lock.release();
    const other = await owner();
    await expect(RunLock.take(folder)).rejects.toThrow(`process ${other.pid} on `);
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  it('can be taken at once after kill -9 of its owner, by one only', async () => {
    const other = await owner();
    other.kill('SIGKILL');
    await once(other, 'exit');
    const begun = performance.now();
    const taken = await Promise.allSettled([0, 1, 2, 3].map(() => RunLock.take(folder)));
    expect(performance.now() - begun).toBeLessThan(2500);
    const locks = taken.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(locks).toHaveLength(1);
    await locks[0]!.release();
  }, 20_000);

  it('is not fooled by a process that has got the number of the dead owner', async () => {
    const lock = await RunLock.take(folder);
    const content = JSON.parse(await readFile(file(), 'utf8')) as object;
    await lock.release();
    await writeFile(file(), JSON.stringify({ ...content, begun: '1', token: 'of the dead' }));
    await (await RunLock.take(folder)).release();
  });

  it("takes a damaged lock for nobody's", async () => {
    await writeFile(file(), '{"pid":');
    await (await RunLock.take(folder)).release();
  });

  it('watches the lock of another machine for a sign of life', async () => {
    const foreign = { pid: 1, begun: '5', machine: 'pod', host: 'pod', since: 'yesterday', token: 'x' };
    await writeFile(file(), JSON.stringify(foreign));
    const beat = setInterval(() => void utimes(file(), new Date(), new Date()), 200);
    const said: string[] = [];
    const options = { silenceMs: 1500, say: (text: string) => said.push(text) };
    await expect(RunLock.take(folder, options)).rejects.toThrow('process 1 on pod, since yesterday');
    clearInterval(beat);
    await (await RunLock.take(folder, options)).release();
    expect(said[0]).toMatch(/a run on pod was in this folder; waiting 1.5 s/);
  });
});
