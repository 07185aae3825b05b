import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { page } from './page.js';

/*
 * Whether the tests of the model room notice when the model is wrong: for each entry of mutations.json one place of one
 * module is changed in a copy, and the test named there has to fail; see docs/mutations.md, which this writes when all
 * are tried. The checkout's modules are not touched.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));
const words = process.argv.slice(2);
const all = JSON.parse(readFileSync(join(root, 'test/mutations/mutations.json'), 'utf8'));
const mutations = all.filter(({ module }) => words.length === 0 || words.some((word) => module.includes(word)));

/** Copies that one run of vitest takes together. */
const together = 12;

/** Names of the failed tests of each mutation; undefined where the file did not get as far as its tests. */
function failuresOf(batch) {
  const folder = mkdtempSync(join(tmpdir(), 'stf-mutations-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    const tests = batch.map(({ module, from, to, test }, i) => {
      const copy = join(folder, String(i));
      for (const part of ['model', 'test/model']) cpSync(join(root, part), join(copy, part), { recursive: true });
      symlinkSync(join(root, 'test/fixtures'), join(copy, 'test/fixtures'));
      const path = join(copy, module);
      const source = readFileSync(path, 'utf8');
      if (source.split(from).length !== 2)
        throw new Error(`${module}: expected ${JSON.stringify(from)} once; bring mutations.json up to date`);
      writeFileSync(
        path,
        source.replace(from, () => to),
      );
      return `${i}/${test}`;
    });
    const limits = { testTimeout: 300_000, hookTimeout: 300_000 };
    const config = { root: folder, test: { include: tests, pool: 'forks', maxWorkers: 2, ...limits } };
    writeFileSync(join(folder, 'vitest.config.js'), `export default ${JSON.stringify(config)};`);
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const results = join(folder, 'results.json');
    spawnSync(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${results}`], { cwd: folder });
    const { testResults } = JSON.parse(readFileSync(results, 'utf8'));
    return tests.map((test) => {
      const outcomes = testResults.find(({ name }) => name === join(folder, test))?.assertionResults ?? [];
      if (outcomes.length === 0) return undefined;
      return outcomes.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const rows = [];
let noticed = 0;
for (let at = 0; at < mutations.length; at += together) {
  const batch = mutations.slice(at, at + together);
  failuresOf(batch).forEach((failed, i) => {
    const { module, from, to, test } = batch[i];
    const outcome = failed === undefined ? 'NO TEST RAN' : (failed[0] ?? 'SURVIVED');
    if (failed?.length > 0) noticed++;
    rows.push([module, from, to, test, outcome]);
    console.log(
      rows
        .at(-1)
        .map((text) => JSON.stringify(text))
        .join('\t'),
    );
  });
}
console.log(`${noticed} of ${mutations.length} mutations are noticed`);
if (words.length === 0) writeFileSync(join(root, 'docs/mutations.md'), page(rows));
if (noticed < mutations.length) process.exitCode = 1;
