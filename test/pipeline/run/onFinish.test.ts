import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../../pipeline/projectFolder.js';

let folder: string;
let next = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'finish-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A process with a supervisor; it says the supervisor's process number and then does what `end` says. */
async function run(end: string, disturb?: (pids: { own: number; supervisor: number }) => void) {
  const out = join(folder, `out-${next}`);
  const log = join(folder, `log-${next++}`);
  const module = pathToFileURL(join(projectFolder, 'dist', 'pipeline', 'run', 'onFinish.js'));
  const order = { command: `echo "$STF_EXIT_CODE $STF_RUN_FOLDER" >> ${out}; echo words`, folder: '/runs/a', log };
  const program = `import { OnFinish } from ${JSON.stringify(module.href)};
const finish = new OnFinish(${JSON.stringify(order)});
process.stdout.write(String(finish.pid));
await new Promise((resolve) => setTimeout(resolve, 400));
${end}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  child.stderr.on('data', (chunk) => {
    words += chunk;
  });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const supervisor = Number(text.toString());
  disturb?.({ own: child.pid!, supervisor });
  const begun = performance.now();
  await once(child, 'close'); // which also waits for whoever else holds its output
  const ms = performance.now() - begun;
  for (let i = 0; i < 100 && isAlive(supervisor); i++) await delay(50);
  expect(isAlive(supervisor)).toBe(false);
  const written = await readFile(out, 'utf8').catch(() => '');
  return { written, log: await readFile(log, 'utf8').catch(() => ''), words, ms };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('OnFinish', () => {
  it('runs the command once after the end, with its exit code, and keeps what it says', async () => {
    const { written, log, words, ms } = await run('finish.report({ exit_code: 3 });');
    expect(written).toBe('3 /runs/a\n');
    expect(log).toMatch(/the run has ended \(3\); running: echo .*\nwords\n.* ended with 0\n$/s);
    expect(words).toBe('');
    expect(ms).toBeLessThan(5000);
  });

  it('runs it after a kill -9', async () => {
    const { written } = await run('await new Promise(() => setInterval(() => {}, 1000));', ({ own }) =>
      setTimeout(() => process.kill(own, 'SIGKILL'), 300),
    );
    expect(written).toBe('crashed /runs/a\n');
  });

  it('is not ended by the signals of a terminal, and does not run the command before its time', async () => {
    const { written } = await run('finish.report({ exit_code: 130 });', ({ supervisor }) => {
      setTimeout(() => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(supervisor, signal);
      }, 250);
    });
    expect(written).toBe('130 /runs/a\n');
  });
});
