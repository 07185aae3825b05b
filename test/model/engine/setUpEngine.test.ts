import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../../model/engine/engineError.js';
import { readEngineRecord } from '../../../model/engine/engineRecord.js';
import { PINNED_WHEELS } from '../../../model/engine/install/enginePins.js';
import { type SetUpOptions, setUpEngine } from '../../../model/engine/install/setUpEngine.js';
import { addonPath, engineRecordPath, ownAddonPath } from '../../../model/engine/nativePackage.js';
import { processorLevel } from '../../../model/engine/processorLevel.js';
import { FakeMachine } from './fakeMachine.js';

const machines: FakeMachine[] = [];

function machine(...tools: ConstructorParameters<typeof FakeMachine>): FakeMachine {
  const made = new FakeMachine(...tools);
  machines.push(made);
  return made;
}

afterEach(() => {
  for (const { folder } of machines.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Sets up on a stand-in machine; its addon is no real one, so the self-test is taken as passed unless given. */
function setUp(on: FakeMachine, more: Partial<SetUpOptions> & { vars?: NodeJS.ProcessEnv } = {}) {
  const { vars, ...options } = more;
  return setUpEngine({
    say: on.say,
    env: on.env(vars),
    packageFolder: on.packageFolder,
    wheels: [on.wheel],
    selfTest: async (name) => ({ name, version: '2.21.0', device: 'cpu', threads: 2, reason: '', operations: 'on' }),
    ...options,
  });
}

const cacheEntries = (on: FakeMachine) => readdirSync(on.cache).sort();

describe('set-up', () => {
  it('downloads, unpacks what is needed, compiles, places the addon and records the choice', async () => {
    const here = machine();
    const record = await setUp(here);
    expect(record).toMatchObject({ engine: 'tensorflow', version: '2.21.0', device: 'cpu' });
    expect(readEngineRecord(engineRecordPath(here.packageFolder))).toEqual(record);
    expect(here.calls('python3')[0]).toContain('download --no-deps --only-binary=:all:');
    expect(here.calls('python3')[0]).toContain('--platform manylinux_2_27_x86_64');
    const compiled = readFileSync(addonPath(here.packageFolder), 'utf8');
    const [addon, operations, library] = cacheEntries(here);
    expect(addon).toMatch(/^addon-tfjs-node-4\.22\.0-napi8-linux-x64-[0-9a-f]{12}$/);
    expect(operations).toMatch(/^operations-tensorflow-2\.21\.0-napi8-linux-x86-64(-v[34])?-[0-9a-f]{12}$/);
    expect(library).toBe('tensorflow-cpu-2.21.0-linux-x64-glibc-tensorflow');
    expect(compiled).toContain(`-rpath -Xlinker ${join(here.cache, library!, 'tensorflow')}`);
    expect(readdirSync(join(here.cache, library!, 'tensorflow')).sort()).toEqual([
      'include',
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
    expect(cacheEntries(here)).toHaveLength(3);
  });

  it('does nothing twice, and puts the addon back after the package was installed anew', async () => {
    const here = machine();
    await setUp(here);
    rmSync(join(here.packageFolder, 'lib'), { recursive: true });
    await setUp(here);
    expect(here.calls('python3')).toHaveLength(1);
    expect(here.links('tfjs_binding.node')).toBe(1);
    expect(here.links('stf_engine.node')).toBe(1);
    expect(existsSync(addonPath(here.packageFolder))).toBe(true);
  });

  it('compiles again, without a download, when the addon sources change', async () => {
    const here = machine();
    await setUp(here);
    writeFileSync(join(here.packageFolder, 'binding', 'tfjs_backend.cc'), '// newer sources');
    await setUp(here);
    expect(here.calls('python3')).toHaveLength(1);
    expect(here.links('tfjs_binding.node')).toBe(2);
    expect(here.links('stf_engine.node')).toBe(1);
  });

  it('goes on without operations of our own when the compiler fails over them, and says so', async () => {
    const here = machine();
    const record = await setUp(here, { vars: { FAKE_GXX_FAILS: 'operations.cc' } });
    expect(record).toMatchObject({
      engine: 'tensorflow',
      operations: { missing: expect.stringContaining('operations.cc:1: error: no such thing') },
    });
    expect(here.said.join('\n')).toContain('going on without operations of our own, which is slower');
    expect(existsSync(ownAddonPath(here.packageFolder))).toBe(false);
    expect(await setUp(here)).toMatchObject({ operations: { level: processorLevel() } });
    expect(existsSync(ownAddonPath(here.packageFolder))).toBe(true);
  });

  it('keeps an engine that lies whole where there is no compiler for operations of our own', async () => {
    const here = machine();
    await setUp(here);
    const elsewhere = machine({ gxx: false });
    const kernels = join(elsewhere.folder, 'kernels');
    mkdirSync(kernels);
    writeFileSync(join(kernels, 'operations.cc'), '// newer sources');
    const record = await setUp(elsewhere, {
      vars: { STF_CACHE: here.cache },
      wheels: [here.wheel],
      kernelFolder: kernels,
    });
    expect(record).toMatchObject({
      engine: 'tensorflow',
      operations: { missing: expect.stringContaining('g++ is missing') },
    });
    expect(existsSync(addonPath(elsewhere.packageFolder))).toBe(true);
  });

  it('lets two processes set up at once: one works, the other waits and uses what it finds', async () => {
    const here = machine();
    const other = machine();
    const outputs = await Promise.all([inProcess(here, here), inProcess(here, other)]);
    expect(here.calls('python3')).toHaveLength(1);
    expect(here.links('tfjs_binding.node')).toBe(1);
    expect(here.links('stf_engine.node')).toBe(1);
    expect(outputs.filter((o) => o.includes('waiting'))).toHaveLength(1);
    expect(existsSync(addonPath(here.packageFolder))).toBe(true);
    expect(existsSync(addonPath(other.packageFolder))).toBe(true);
    expect(cacheEntries(here)).toHaveLength(3);
  });

  it('takes over the lock of a set-up that was killed, and cleans up after it', async () => {
    const here = machine();
    mkdirSync(join(here.cache, 'setup.lock'), { recursive: true });
    const longAgo = new Date(Date.now() - 120_000);
    utimesSync(join(here.cache, 'setup.lock'), longAgo, longAgo);
    mkdirSync(join(here.cache, 'tensorflow-cpu-2.21.0-linux-x64-glibc-tensorflow.partial-x1', 'tensorflow'), {
      recursive: true,
    });
    await setUp(here);
    expect(here.said.join('\n')).toContain('cleaned up after a set-up that broke off');
    expect(cacheEntries(here)).toHaveLength(3);
  });
});

describe('a download', () => {
  const downloaded = (on: FakeMachine) => join(on.cache, 'downloads', on.wheel.file);

  it('that broke off earlier is noticed by its checksum and fetched again', async () => {
    const here = machine();
    mkdirSync(join(here.cache, 'downloads'), { recursive: true });
    writeFileSync(downloaded(here), 'half a wheel');
    await setUp(here);
    expect(here.said.join('\n')).toContain('is broken (a download broke off?); fetching again');
    expect(here.calls('python3')).toHaveLength(1);
  });

  it('that is complete is kept when a later step fails, and used the next time', async () => {
    const here = machine();
    await expect(setUp(here, { engine: 'tensorflow', vars: { FAKE_GXX_FAILS: 'tfjs_backend.cc' } })).rejects.toThrow(
      /g\+\+ could not compile the addon:\n.*error: no such thing/,
    );
    expect(existsSync(addonPath(here.packageFolder))).toBe(false);
    await setUp(here);
    expect(here.calls('python3')).toHaveLength(1);
    expect(cacheEntries(here)).toHaveLength(3);
  });

  it('put there by hand is used', async () => {
    const here = machine();
    mkdirSync(join(here.cache, 'downloads'), { recursive: true });
    writeFileSync(downloaded(here), readFileSync(join(here.folder, 'source.whl')));
    await setUp(here);
    expect(here.calls('python3')).toHaveLength(0);
  });

  it('with another checksum than the pinned one is refused, after a second try past the cache of pip', async () => {
    const here = machine();
    await expect(setUp(here, { engine: 'tensorflow', vars: { FAKE_PIP: 'broken' } })).rejects.toThrow(
      `and not ${here.wheel.sha256}: it is not the file that was pinned`,
    );
    expect(here.calls('python3')).toHaveLength(2);
    expect(here.calls('python3')[1]).toContain('--no-cache-dir');
    expect(existsSync(downloaded(here))).toBe(false);
    await setUp(here);
    expect(existsSync(addonPath(here.packageFolder))).toBe(true);
  });

  it('that fails leaves wasm, with what pip said', async () => {
    const here = machine();
    const record = await setUp(here, { vars: { FAKE_PIP: 'offline' } });
    expect(record.engine).toBe('wasm');
    expect(here.said.join('\n')).toContain('Could not connect to the index');
  });
});

describe('an installed engine', () => {
  const library = (on: FakeMachine) =>
    join(on.cache, 'tensorflow-cpu-2.21.0-linux-x64-glibc-tensorflow', 'tensorflow', 'libtensorflow_cc.so.2');

  it('with a shortened library is installed again', async () => {
    const here = machine();
    await setUp(here);
    writeFileSync(library(here), 'library');
    await setUp(here);
    expect(here.said.join('\n')).toContain('libtensorflow_cc.so.2 has 7 bytes instead of 8000');
    expect(readFileSync(library(here), 'utf8')).toHaveLength(8000);
  });

  it('with a flipped bit and its time set back is found out by --verify', async () => {
    const here = machine();
    await setUp(here);
    const { atime, mtime } = await import('node:fs').then((fs) => fs.statSync(library(here)));
    const bytes = readFileSync(library(here));
    bytes[17]! ^= 1;
    writeFileSync(library(here), bytes);
    utimesSync(library(here), atime, mtime);
    await setUp(here, { verify: true });
    expect(here.said.join('\n')).toContain('has another checksum than when it was installed');
    expect(here.calls('python3')).toHaveLength(2);
  });

  it('with a missing header is found out by --verify', async () => {
    const here = machine();
    await setUp(here);
    rmSync(join(library(here), '..', 'include', 'tensorflow', 'c', 'c_api.h'));
    await setUp(here, { verify: true });
    expect(here.said.join('\n')).toContain('c_api.h is missing');
  });

  it('that was copied (other times, same bytes) is trusted after reading it', async () => {
    const here = machine();
    await setUp(here);
    utimesSync(library(here), 1, 1);
    await setUp(here);
    expect(here.calls('python3')).toHaveLength(1);
  });

  it('whose self-test fails gives way to wasm, unless it was asked for', async () => {
    const here = machine();
    const selfTest: SetUpOptions['selfTest'] = async (name) => {
      if (name === 'tensorflow') throw new EngineError('its self-test failed (SIGILL)');
      return { name, version: '4.22.0', device: 'cpu', threads: 1, reason: '', operations: 'no' };
    };
    expect(await setUp(here, { selfTest })).toMatchObject({
      engine: 'wasm',
      reason: expect.stringContaining('SIGILL'),
    });
    await expect(setUp(here, { selfTest, engine: 'tensorflow' })).rejects.toThrow('its self-test failed (SIGILL)');
  });
});

describe('a machine without', () => {
  it.each([
    [
      'python3',
      { python3: false },
      'python3, pip are missing; on Debian or Ubuntu: apt-get install python3 python3-pip',
    ],
    ['pip', { python3: 'without pip' }, 'pip is missing; on Debian or Ubuntu: apt-get install python3-pip'],
    ['g++', { gxx: false }, 'g++ is missing; on Debian or Ubuntu: apt-get install g++'],
  ] as const)('%s gets wasm and is told what to install', async (_, tools, message) => {
    const here = machine(tools);
    const record = await setUp(here);
    expect(record.engine).toBe('wasm');
    expect(record.reason).toContain(message);
    expect(here.said.join('\n')).toContain(message);
    await expect(setUp(here, { vars: { STF_ENGINE: 'tensorflow' } })).rejects.toThrow(
      `STF_ENGINE=tensorflow, but it cannot be had: ${message}`,
    );
  });
});

describe('the choice', () => {
  it('made by name stays until another is made', async () => {
    const here = machine();
    expect((await setUp(here, { engine: 'wasm' })).engine).toBe('wasm');
    expect(await setUp(here)).toMatchObject({ engine: 'wasm', reason: expect.stringContaining('earlier set-up') });
    expect((await setUp(here, { engine: 'auto' })).engine).toBe('tensorflow');
    expect((await setUp(here)).engine).toBe('tensorflow');
  });

  it('made by STF_ENGINE holds for one set-up', async () => {
    const here = machine();
    expect((await setUp(here, { vars: { STF_ENGINE: 'wasm' } })).engine).toBe('wasm');
    expect((await setUp(here)).engine).toBe('tensorflow');
  });

  it('of an engine that does not exist is refused', async () => {
    const vars = { STF_ENGINE: 'torch' };
    await expect(setUp(machine(), { vars })).rejects.toThrow(
      "Expected one of auto, tensorflow, tensorflow-cuda, wasm for STF_ENGINE but received 'torch'",
    );
  });

  it('of a cache whose path cannot be a search path is refused', async () => {
    const here = machine();
    const vars = { STF_CACHE: `${here.cache}:b` };
    await expect(setUp(here, { engine: 'tensorflow', vars })).rejects.toThrow(
      "Expected a path without ':' for STF_CACHE",
    );
  });
});

it('pins every wheel by a whole checksum and an exact version', () => {
  const wheels = Object.values(PINNED_WHEELS).flat();
  expect(wheels).toHaveLength(14);
  for (const wheel of wheels) {
    expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(wheel.file).toContain(`${wheel.project.replaceAll('-', '_')}-${wheel.version}-`);
  }
});

/** Installs in a process of its own, into the cache and with the tools of `host`, for the package of `target`. */
async function inProcess(host: FakeMachine, target: FakeMachine): Promise<string> {
  const script = join(target.folder, 'install.mjs');
  const compiled = new URL('../../../dist/model/engine/install/installNativeEngine.js', import.meta.url).href;
  const options = {
    variant: 'tensorflow',
    scrutiny: 'quick',
    wheels: [host.wheel],
    packageFolder: target.packageFolder,
  };
  writeFileSync(
    script,
    `import { installNativeEngine } from ${JSON.stringify(compiled)};
     await installNativeEngine({ ...${JSON.stringify(options)}, say: (line) => console.log(line) });`,
  );
  const child = spawn(process.execPath, [fileURLToPath(new URL(`file://${script}`))], { env: host.env() });
  const log = join(target.folder, 'output.log');
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => appendFileSync(log, chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  const output = readFileSync(log, 'utf8');
  expect(code, output).toBe(0);
  return output;
}
