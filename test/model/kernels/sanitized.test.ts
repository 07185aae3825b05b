import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { processorLevel } from '../../../model/engine/processorLevel.js';

/** As the set-up compiles them (model/engine/install/ownAddon.ts), but for what sanitizers need. */
const flags = ['-std=c++17', '-O1', '-g', '-fopenmp-simd', '-fno-math-errno', '-fno-trapping-math', '-pthread'];

/** A build with sanitizers takes half a minute on a processor of its own. */
const COMPILING_MS = 180_000;

const folder = mkdtempSync(join(tmpdir(), 'stf-sanitized-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sources = fileURLToPath(new URL('sanitized/', import.meta.url));

/** Whether g++ builds and runs a program with these sanitizers; its libraries are packages of their own. */
function has(...sanitizers: string[]): boolean {
  const [source, program] = [join(folder, 'empty.cc'), join(folder, 'empty')];
  writeFileSync(source, 'int main() { return 0; }\n');
  const built = spawnSync('g++', [...sanitizers, source, '-o', program]);
  return built.status === 0 && spawnSync(program).status === 0;
}

const bounds = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
/** For what set-up compiles here: other vector instructions reach beyond other ends. */
const shipped = `-march=${processorLevel()}`;

describe.each([
  ['address and undefined behaviour', bounds],
  [`address and undefined behaviour with ${shipped}`, [...bounds, shipped]],
  ['threads', ['-fsanitize=thread']],
])('sanitizers of %s', (_, sanitizers) => {
  const there = has(...sanitizers);
  const missing = there ? '' : ' (left out: g++ is missing here or lacks them)';
  test.runIf(there)(
    `find nothing in the kernels with hostile shapes and numbers${missing}`,
    () => {
      const program = join(folder, 'kernels');
      execFileSync('g++', [...flags, ...sanitizers, join(sources, 'main.cc'), '-o', program]);
      const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      const checks = readdirSync(sources).filter((name) => name.endsWith('Check.h'));
      expect(stdout.trim().split('\n').length).toBeGreaterThanOrEqual(checks.length);
    },
    COMPILING_MS,
  );
});
