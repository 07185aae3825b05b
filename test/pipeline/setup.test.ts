import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const launcher = fileURLToPath(new URL('../../pipeline/setup.js', import.meta.url));
const empty = mkdtempSync(join(tmpdir(), 'stf-setup-command-'));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

type Ended = { code: number; stdout: string; stderr: string };

/** Runs the command with nothing on the PATH and an empty cache. */
function setup(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const options = { env: { PATH: empty, STF_CACHE: join(empty, 'cache'), ...env } };
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher, ...args], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('the setup command', () => {
  it('explains itself with examples', async () => {
    const { code, stdout } = await setup(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('$ npm run setup -- --engine tensorflow-cuda');
  });

  it.each([
    ['--engine tensorflow', ['--engine', 'tensorflow'], {}],
    ['STF_ENGINE=tensorflow', [], { STF_ENGINE: 'tensorflow' }],
  ])('fails with one message where %s cannot be had, and leaves no half engine', async (_, args, env) => {
    const { code, stderr } = await setup(args, env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*tensorflow.*, but it cannot be had: .*\n$/);
    if (process.platform === 'linux' && process.arch === 'x64') {
      expect(stderr).toContain('python3, pip, g++ are missing');
      expect(readdirSync(join(empty, 'cache'))).toEqual([]);
    }
  });

  it.each([
    [
      ['--engine', 'torch'],
      {},
      "argument 'torch' is invalid. Allowed choices are auto, tensorflow, tensorflow-cuda, wasm.",
    ],
    [
      [],
      { STF_ENGINE: 'torch' },
      "Expected one of auto, tensorflow, tensorflow-cuda, wasm for STF_ENGINE but received 'torch'",
    ],
    [['--fast'], {}, "unknown option '--fast'"],
    [['now'], {}, 'too many arguments'],
  ])('refuses %j %o', async (args, env, message) => {
    const { code, stderr } = await setup(args, env);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(' at ');
  });
});
