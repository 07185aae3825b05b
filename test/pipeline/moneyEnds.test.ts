import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../model/index.js';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { rowsOf, runTrain } from './trainProcess.js';

/* The train command as its money ends while it waits for something, of which it would wait for ten minutes. */

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-money-ends-'));
  data = join(folder, 'data');
  await writeDemoData(data, { people: { train: 4, val: 2, test: 0 }, size: 64, runs: 2, runLength: 4 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** At a dollar an hour, $5 and a reserve of ten cents. */
const options = (out: string, root: string) => [
  ...['--config', 'configs/v8_debug.yaml', '--set', 'data.batch_size=4', '--set', 'training.val_pairs=2'],
  ...['--set', 'training.checkpoint_steps=3', '--set', 'training.val_every_epochs=100000', '--workers', '1'],
  ...['--set', 'training.cost_per_hour=1', '--budget', '5', '--max-steps', '100000', '--epochs', '100000'],
  ...['--data-root', root, '--out', out, '--log-format', 'json'],
];
/** Calls `act` once, when the run says something. */
const when = (said: RegExp, act: () => void) => {
  let done = false;
  return (text: string) => {
    if (done || !said.test(text)) return;
    done = true;
    act();
  };
};
const summary = async (out: string) =>
  JSON.parse(await readFile(join(out, 'summary.json'), 'utf8')) as Record<string, unknown>;
const lastStep = async (out: string) =>
  ((await readCheckpoint(join(out, 'checkpoints', 'last.safetensors'))).state as { step: number }).step;

describe('when the money ends', () => {
  it('nothing waits for a full disk any more: exit 2, with what is safe', async () => {
    const [out, full, spent] = ['disk', 'full', 'full-spent'].map((name) => join(folder, name)) as [
      string,
      ...string[],
    ];
    const fill = when(/"level":"progress"/, () => void writeFile(full!, ''));
    const spend = when(/waiting up to 10m00s/, () => void writeFile(spent!, '4.95'));
    const ended = await runTrain({
      args: options(out, data),
      faults: { FAULT_FULL: full!, FAULT_PATH: 'safetensors|jsonl', FAULT_SPENT: spent! },
      onText: (text) => {
        fill(text);
        spend(text);
      },
    });
    expect(ended.text).toMatch(
      /error: .*, and the budget ends, so nothing waits for it any more\. The checkpoint of step \d+ is whole .* --resume auto/,
    );
    expect(ended.text).not.toMatch(/\n\s+at /);
    expect(ended.code).toBe(2);
    expect(await lastStep(out)).toBe(Number(/The checkpoint of step (\d+)/.exec(ended.text)![1]));
  });

  it('nor for a data root: what was trained is saved, and a validation that waits for it is left out', async () => {
    const [out, own, spent] = ['volume', 'volume-data', 'volume-spent'].map((name) => join(folder, name));
    await cp(data, own!, { recursive: true });
    const vanish = when(/"level":"progress"/, () => void rename(own!, `${own}-away`));
    const spend = when(/is gone; waiting up to 10m00s/, () => {
      void writeFile(spent!, '4.95'); // three minutes left, for validating and saving
      setTimeout(() => void writeFile(spent!, '4.9998'), 3000); // less than a second
    });
    const ended = await runTrain({
      args: options(out!, own!),
      faults: { FAULT_SPENT: spent! },
      onText: (text) => {
        vanish(text);
        spend(text);
      },
    });
    expect(ended.text).toMatch(/the validation of step \d+ is left out: the money ends/);
    expect(ended.code, ended.text).toBe(0);
    const { steps, stop_reason } = await summary(out!);
    expect([stop_reason, await lastStep(out!)]).toEqual(['budget', steps]);
    expect(steps).toBeGreaterThan(0);
    expect(await rowsOf(join(out!, 'quarantine.jsonl'))).toEqual([]);
    const kinds = (await rowsOf(join(out!, 'events.jsonl'))).map(({ kind }) => kind);
    expect(kinds).toEqual(['data', 'budget', 'budget']); // much of it is spent; and the validation
  });
});
