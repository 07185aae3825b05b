import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replaceChanged } from './replaceChanged.js';

/*
 * Compiles the project of the working directory into dist/, TypeScript and AssemblyScript at once. Commands may be
 * starting from dist/ meanwhile, and the compilers empty a file before they write it: so they write into a folder
 * beside, and what has changed goes to its place by a rename: no file is ever half there, though a command that starts
 * between two renames has modules of both builds. Errors leave dist/ as it was.
 *
 * usage: node build/compile.js [tsconfig.json]
 */

const packages = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules');
const OUT = 'dist';
const PREFIX = '.compiling-';

/** Whether a compilation is at work. One with this process's number was another's, and has ended. */
const isAtWork = (pid) => {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
};

mkdirSync(OUT, { recursive: true });
// Of a compilation that was killed.
for (const name of readdirSync(OUT).filter((entry) => entry.startsWith(PREFIX)))
  if (!isAtWork(Number(name.slice(PREFIX.length)))) rmSync(join(OUT, name), { recursive: true, force: true });
const staging = join(OUT, `${PREFIX}${process.pid}`);
mkdirSync(staging);
process.on('exit', () => rmSync(staging, { recursive: true, force: true }));
const running = [];
let stopped;
for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }))
  process.on(signal, () => {
    stopped ??= code;
    for (const { pid, exitCode, signalCode } of running)
      if (pid !== undefined && exitCode === null && signalCode === null) endGroup(pid);
  });

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // it has ended meanwhile
  }
}

/** Runs a compiler to its end; its exit code. */
const run = (program, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(packages, program), ...args], {
      stdio: 'inherit',
      // A group each, since tsc is a program beneath a script: one that lived on would write into a folder that is gone.
      detached: true,
    });
    running.push(child);
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });

const project = process.argv[2] ?? 'tsconfig.json';
const { outFile } = JSON.parse(readFileSync('asconfig.json', 'utf8')).options;
const wasm = join(staging, outFile.slice(`${OUT}/`.length));
const codes = await Promise.all([
  run('typescript/bin/tsc', ['-p', project, '--outDir', staging]),
  run('assemblyscript/bin/asc.js', ['--outFile', wasm]),
]);
const failed = codes.find((code) => code !== 0);
if (failed === undefined && stopped === undefined) replaceChanged(staging, OUT);
process.exitCode = stopped ?? failed ?? 0;
