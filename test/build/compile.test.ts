import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { projectFolder } from '../../pipeline/projectFolder.js';

/* A project of two sources and a kernel, compiled as this one is. */

let folder: string;
const write = (name: string, content: string) => writeFile(join(folder, name), content);
const kernel = (value: number) => `export function value(): i32 { return ${value}; }\n`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-compile-'));
  await mkdir(join(folder, 'parts'));
  const compilerOptions = { target: 'ES2023', module: 'NodeNext', rootDir: '.', outDir: 'dist', types: [] };
  await write('package.json', '{"type":"module"}');
  await write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts', 'parts/*.ts'] }));
  const options = { outFile: 'dist/parts/kernel.wasm', runtime: 'stub' };
  await write('asconfig.json', JSON.stringify({ entries: ['kernel/index.ts'], options }));
  await mkdir(join(folder, 'kernel'));
  await write('kernel/index.ts', kernel(1));
  await write('whole.ts', 'export const whole: number = 1;\n');
  await write('parts/part.ts', 'export const part: number = 1;\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const program = join(projectFolder, 'build', 'compile.js');
const compile = () =>
  new Promise<{ code: number; text: string }>((resolve) => {
    execFile(process.execPath, [program], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    );
  });

const made = async () =>
  Object.fromEntries(
    await Promise.all(
      ['whole.js', 'parts/part.js', 'parts/kernel.wasm'].map(async (name) => {
        const { ino, mtimeMs } = await stat(join(folder, 'dist', name));
        return [name, `${ino} ${mtimeMs}`] as const;
      }),
    ),
  );

it('leaves alone what is the same, and puts what has changed in its place whole', async () => {
  expect(await compile()).toEqual({ code: 0, text: '' });
  const first = await made();
  expect(await compile()).toMatchObject({ code: 0 });
  expect(await made()).toEqual(first);

  await write('parts/part.ts', 'export const part: number = 2;\n');
  await write('kernel/index.ts', kernel(2));
  const reader = await open(join(folder, 'dist', 'parts', 'part.js'));
  expect(await compile()).toMatchObject({ code: 0 });
  // Who has opened a file reads it to its end: it was not written into.
  expect(await reader.readFile('utf8')).toBe('export const part = 1;\n');
  await reader.close();
  expect(await readFile(join(folder, 'dist', 'parts', 'part.js'), 'utf8')).toBe('export const part = 2;\n');
  const second = await made();
  expect(second['whole.js']).toBe(first['whole.js']);
  expect(second['parts/kernel.wasm']).not.toBe(first['parts/kernel.wasm']);

  // What somebody has removed or broken is made again.
  await rm(join(folder, 'dist', 'whole.js'));
  await write('dist/parts/part.js', 'export const');
  expect(await compile()).toMatchObject({ code: 0 });
  expect(await readFile(join(folder, 'dist', 'parts', 'part.js'), 'utf8')).toBe('export const part = 2;\n');

  const third = await made();
  await write('whole.ts', 'export const whole: number = "one";\n');
  await write('parts/part.ts', 'export const part: number = 3;\n');
  const failed = await compile();
  expect(failed.code).not.toBe(0);
  expect(failed.text).toMatch(/whole\.ts.*TS2322/s);
  expect(await made()).toEqual(third);
  expect((await readdir(join(folder, 'dist'))).sort()).toEqual(['parts', 'whole.js']);
}, 180_000);

/** Whether a program runs in `folder`, by /proc. */
async function programsThere(): Promise<string[]> {
  const there: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)))
    if ((await readlink(join('/proc', pid, 'cwd')).catch(() => '')) === folder) there.push(pid);
  return there;
}

it.runIf(existsSync('/proc/self/cwd'))(
  'ends its compilers when it is stopped, and clears up after one that was killed',
  async () => {
    const staged = async () => (await readdir(join(folder, 'dist'))).filter((name) => name.startsWith('.compiling-'));
    const begun = async () => {
      const child = spawn(process.execPath, [program], { cwd: folder, stdio: 'ignore' });
      await vi.waitFor(async () => expect((await programsThere()).length).toBeGreaterThan(2), { timeout: 30_000 });
      return child;
    };
    await write('whole.ts', 'export const whole: number = 4;\n');
    const before = await made();

    const stopped = await begun();
    expect(await staged()).toEqual([`.compiling-${stopped.pid}`]);
    stopped.kill('SIGTERM');
    expect(await once(stopped, 'exit')).toEqual([143, null]);
    expect(await staged()).toEqual([]);
    await vi.waitFor(async () => expect(await programsThere()).toEqual([]), { timeout: 10_000 });
    expect(await made()).toEqual(before);

    const killed = await begun();
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    // Its compilers end by themselves.
    await vi.waitFor(async () => expect(await programsThere()).toEqual([]), { timeout: 30_000 });
    expect(await staged()).toEqual([`.compiling-${killed.pid}`]);
    expect(await compile()).toMatchObject({ code: 0 });
    expect(await staged()).toEqual([]);
    expect(await readFile(join(folder, 'dist', 'whole.js'), 'utf8')).toBe('export const whole = 4;\n');
  },
  120_000,
);
