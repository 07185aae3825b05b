import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../model/index.js';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { projectFolder } from '../../pipeline/projectFolder.js';
import { inTerminal, noTerminal } from './terminal/pythonTerminal.js';
import { awaitFile, rowsOf, runTrain, trainWords } from './trainProcess.js';

/* Runs that nobody looks after any more: the terminal is closed, the log's reader has gone, the machine hangs. */

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-abandoned-'));
  data = join(folder, 'data');
  await writeDemoData(data, { people: { train: 4, val: 2, test: 0 }, size: 64, runs: 2, runLength: 4 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const options = (out: string, ...more: string[]) => [
  ...['--config', 'configs/v8_debug.yaml', '--set', 'data.batch_size=4', '--set', 'training.val_pairs=2'],
  ...['--set', 'training.checkpoint_steps=3', '--set', 'training.val_every_epochs=100', '--workers', '1'],
  ...['--max-steps', '12', '--epochs', '100', '--data-root', data, '--out', out, '--log-format', 'json', ...more],
];
const json = async (run: string, name: string) =>
  JSON.parse(await readFile(join(run, name), 'utf8')) as Record<string, unknown>;
const lastStep = async (run: string) =>
  (await readCheckpoint(join(run, 'checkpoints', 'last.safetensors'))).state as { step: number };

describe('a run that nobody looks after', () => {
  it.skipIf(noTerminal)(
    `goes on when its terminal closes, and its supervisor waits for the end${noTerminal ? ` (${noTerminal})` : ''}`,
    async () => {
      const out = join(folder, 'closed');
      const finished = join(folder, 'closed-finished');
      const words = trainWords(options(out, '--on-finish', `echo "$STF_EXIT_CODE" > ${finished}`));
      const terminal = spawn('python3', [inTerminal, '90', '30', ...words], { cwd: projectFolder });
      for await (const chunk of terminal.stdout) if (String(chunk).includes('"level":"progress"')) break;
      const closed = once(terminal, 'close');
      terminal.kill('SIGKILL'); // its end of the terminal closes with it
      await closed;
      expect(existsSync(join(out, 'summary.json'))).toBe(false);
      expect(await awaitFile(finished, 120_000)).toBe('0\n');
      expect(await json(out, 'summary.json')).toMatchObject({ stop_reason: 'max_steps', steps: 12 });
      expect((await rowsOf(join(out, 'events.jsonl'))).map(({ kind }) => kind)).toEqual(['terminal']);
      expect(await lastStep(out)).toMatchObject({ step: 12 });
    },
  );

  it('goes on when whoever reads its log goes away', async () => {
    const out = join(folder, 'unread');
    const ended = await runTrain({
      args: options(out),
      onText: (_, child) => {
        child.stdout!.destroy();
        child.stderr!.destroy();
      },
    });
    expect(ended.text.split('\n').length).toBeLessThan(6);
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(await json(out, 'summary.json')).toMatchObject({ stop_reason: 'max_steps', steps: 12 });
    expect(await lastStep(out)).toMatchObject({ step: 12 });
  });

  it.skipIf(!existsSync('/dev/full'))('goes on when its log is on a disk that is full', async () => {
    const out = join(folder, 'unlogged');
    const full = openSync('/dev/full', 'w');
    const [program, ...words] = trainWords(options(out));
    const { status } = spawnSync(program!, words, { cwd: projectFolder, stdio: ['ignore', full, full] });
    closeSync(full);
    expect(status).toBe(0);
    expect(await json(out, 'summary.json')).toMatchObject({ stop_reason: 'max_steps', steps: 12 });
    expect(await lastStep(out)).toMatchObject({ step: 12 });
  });

  it('is ended when a step does not come back, and its supervisor acts', async () => {
    const out = join(folder, 'hung');
    const finished = join(folder, 'hung-finished');
    const ended = await runTrain({
      args: options(out, '--on-finish', `echo "$STF_EXIT_CODE" > ${finished}`),
      faults: { FAULT_HANG: '8', FAULT_LIMITS: '{"stuckMs":5000}' },
    });
    // An exit code, or, since the thread is stuck where nothing reaches it, killed by its own hand.
    expect([4, null]).toContain(ended.code);
    expect(ended.text).toMatch(/error: a training step has not ended after \d+s, where such take \d+s/);
    expect(ended.text).toMatch(/The checkpoint of step 6 is whole .*; go on with --resume auto/);
    expect(ended.text).not.toMatch(/\n\s+at /);
    expect(await awaitFile(finished, 20_000)).toBe('4\n');
    expect(await json(out, 'summary.json')).toMatchObject({ stop_reason: 'error', steps: 7 });
    expect(await lastStep(out)).toMatchObject({ step: 6 });
  });

  it('says that no batch arrives, and then saves and stops with exit 3', async () => {
    const out = join(folder, 'stalled');
    const ended = await runTrain({
      args: options(out, '--set', 'failures.wait_minutes=0', '--set', 'training.checkpoint_steps=1000'),
      faults: { FAULT_STALL: '14', FAULT_LIMITS: '{"stallNoticeMs":2000,"stallMarginMs":20000}' },
    });
    expect(ended.text).toMatch(/no batch for \d+s: the trainer waits for data/);
    expect(ended.text).toMatch(/error: nothing arrived for 2\d s/);
    expect(ended.code).toBe(3);
    const { steps, stop_reason } = await json(out, 'summary.json');
    expect([steps, stop_reason]).toEqual([7, 'failure_budget']);
    expect(await lastStep(out)).toMatchObject({ step: 7 });
  });

  it('waits for a disk that is full when the summary is written; what it cannot write, it explains', async () => {
    const out = join(folder, 'full');
    const flag = join(folder, 'full-flag');
    await writeFile(flag, '');
    const faults = { FAULT_FULL: flag, FAULT_PATH: 'summary\\.json' };
    let emptied = false;
    const ended = await runTrain({
      args: options(out),
      faults,
      onText: (text) => {
        if (emptied || !/waiting up to/.test(text)) return;
        emptied = true;
        setTimeout(() => void rm(flag), 500);
      },
    });
    expect(ended.text).toMatch(/no space left.*waiting up to 10m00s/);
    expect(ended.code, ended.text).toBe(0);
    expect(await json(out, 'summary.json')).toMatchObject({ stop_reason: 'max_steps', steps: 12 });

    await writeFile(flag, '');
    const args = options(out, '--resume', 'auto', '--set', 'failures.wait_minutes=0.01');
    const stuffed = await runTrain({ args, faults });
    expect(stuffed.text).toMatch(
      /error: .*no space left.*also after waiting for 1s\. The checkpoint of step 12 is whole/,
    );
    expect(stuffed.text).not.toMatch(/\n\s+at /);
    expect(stuffed.code).toBe(2);
  });
});
