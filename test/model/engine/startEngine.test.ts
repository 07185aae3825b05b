import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveEngineRequest } from '../../../model/engine/engineRequest.js';
import { TENSORFLOW_VERSION } from '../../../model/engine/install/enginePins.js';
import { runSelfTest } from '../../../model/engine/install/runSelfTest.js';
import { addonPath } from '../../../model/engine/nativePackage.js';
import type { EngineInfo } from '../../../model/engine/startEngine.js';

/**
 * Engines are started in processes of their own, from the compiled code, since one process keeps what it has loaded.
 * Each prints one line of JSON.
 */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const native = existsSync(addonPath());
const whereNative = native ? describe : describe.skip;

type Report = EngineInfo & { isMainThread: boolean; backend: string; sum: number; error?: string; tasks: number };

async function run(args: string[], env: NodeJS.ProcessEnv = {}, folder = root): Promise<Report & { stderr: string }> {
  const { STF_ENGINE: _, ...inherited } = process.env;
  const options = { cwd: folder, env: { ...inherited, TF_CPP_MIN_LOG_LEVEL: undefined, ...env } };
  const program = join(root, 'test/model/engine/reportEngine.mjs');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], options);
  return { ...(JSON.parse(stdout.trim().split('\n').at(-1)!) as Report), stderr };
}

describe('the wasm engine', () => {
  it.each(['main', 'worker'])('starts in a %s thread', async (where) => {
    expect(await run([where, 'wasm'])).toMatchObject({
      isMainThread: where === 'main',
      name: 'wasm',
      version: '4.22.0',
      device: 'cpu',
      threads: 1,
      reason: 'engine wasm was asked for',
      backend: 'wasm',
      sum: 30,
    });
  });

  it('is taken for auto where STF_ENGINE says so', async () => {
    expect(await run(['main', 'auto'], { STF_ENGINE: 'wasm' })).toMatchObject({
      name: 'wasm',
      reason: 'STF_ENGINE=wasm',
    });
  });

  it('passes the self-test of set-up', async () => {
    expect(await runSelfTest('wasm', process.env)).toMatchObject({ name: 'wasm' });
  });
});

whereNative('the native engine', () => {
  it.each(['main', 'worker'])('starts in a %s thread', async (where) => {
    const report = await run([where, 'tensorflow']);
    expect(report).toMatchObject({ name: 'tensorflow', version: TENSORFLOW_VERSION, backend: 'tensorflow', sum: 30 });
    expect(report).toMatchObject({ isMainThread: where === 'main', reason: 'engine tensorflow was asked for' });
    expect(report.stderr).not.toContain('Deprecation');
  });

  it('says no more by itself than two lines while its library is loaded, at most', async () => {
    const known = /before absl::InitializeLog\(\) is called|oneDNN custom operations are on/;
    const lines = (await run(['main', 'tensorflow'])).stderr.split('\n').filter((line) => line !== '');
    expect(lines.length).toBeLessThanOrEqual(2);
    expect(lines.filter((line) => !known.test(line))).toEqual([]);
  });

  it('passes the self-test of set-up', async () => {
    expect(await runSelfTest('tensorflow', process.env)).toMatchObject({ name: 'tensorflow' });
  });

  it('computes with as many threads as it is told, also when a worker starts it', async () => {
    const tasks = async (where: string, threads: number) =>
      (await run([where, 'tensorflow', String(threads)], { TF_NUM_INTRAOP_THREADS: undefined })).tasks;
    expect((await tasks('main', 9)) - (await tasks('main', 1))).toBe(8);
    expect((await tasks('worker', 9)) - (await tasks('worker', 1))).toBe(8);
  });

  it('is refused as tensorflow-cuda where TensorFlow sees no GPU', async () => {
    const report = await run(['main', 'tensorflow-cuda'], { CUDA_VISIBLE_DEVICES: '' });
    expect(report.error).toMatch(/^EngineError: .*sees no GPU/);
  });
});

describe('a checkout without the addon', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stf-checkout-'));
  const modules = join(folder, 'node_modules', '@tensorflow');
  const packageFolder = join(modules, 'tfjs-node-gpu');

  beforeAll(() => {
    mkdirSync(modules, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    cpSync(join(root, 'dist/model/engine'), join(folder, 'dist/model/engine'), { recursive: true });
    link(join(root, 'node_modules'), join(folder, 'node_modules'), ['@tensorflow']);
    link(join(root, 'node_modules/@tensorflow'), modules, ['tfjs-node-gpu']);
    for (const part of ['package.json', 'dist']) {
      cpSync(join(root, 'node_modules/@tensorflow/tfjs-node-gpu', part), join(packageFolder, part), {
        recursive: true,
      });
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('starts wasm for auto and says why', async () => {
    expect(await run(['main', 'auto'], {}, folder)).toMatchObject({
      name: 'wasm',
      reason: 'the native engine does not load: the TensorFlow addon is not installed; run `npm run setup`',
    });
  });

  it('refuses the native engine', async () => {
    const message = 'EngineError: the TensorFlow addon is not installed; run `npm run setup`';
    expect((await run(['main', 'tensorflow'], {}, folder)).error).toBe(message);
    expect((await run(['main', 'auto'], { STF_ENGINE: 'tensorflow' }, folder)).error).toBe(message);
  });

  it('starts wasm for auto when the addon is broken, and refuses it by name', async () => {
    mkdirSync(join(packageFolder, 'lib/napi-v8'), { recursive: true });
    writeFileSync(addonPath(packageFolder), 'not a library');
    const report = await run(['main', 'auto'], {}, folder);
    expect(report).toMatchObject({ name: 'wasm', sum: 30 });
    expect(report.reason).toContain('the TensorFlow addon does not load');
    expect((await run(['main', 'tensorflow'], {}, folder)).error).toContain('run `npm run setup`');
  });

  it('follows what set-up chose', async () => {
    const record = { engine: 'wasm', version: '4.22.0', reason: 'g++ is missing' };
    writeFileSync(join(packageFolder, 'lib/napi-v8/stf-engine.json'), JSON.stringify(record));
    const report = await run(['main', 'auto'], {}, folder);
    expect(report).toMatchObject({ name: 'wasm', reason: 'set-up chose wasm: g++ is missing' });
  });
});

describe('an engine request', () => {
  it.each([
    ['auto', {}, 'auto'],
    ['auto', { STF_ENGINE: 'wasm' }, 'wasm'],
    ['tensorflow', { STF_ENGINE: 'wasm' }, 'tensorflow'],
  ])('%s with %o means %s', (requested, env, engine) => {
    expect(resolveEngineRequest(requested, env).engine).toBe(engine);
  });

  it('for something else is refused', () => {
    expect(() => resolveEngineRequest('cuda', {})).toThrow(
      "Expected one of auto, tensorflow, tensorflow-cuda, wasm for the engine but received 'cuda'",
    );
  });
});

function link(from: string, to: string, without: string[]): void {
  for (const name of readdirSync(from)) {
    if (!without.includes(name) && !name.startsWith('.')) symlinkSync(join(from, name), join(to, name));
  }
}
