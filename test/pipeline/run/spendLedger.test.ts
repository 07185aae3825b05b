import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Budget } from '../../../operators/index.js';
import { SpendLedger } from '../../../pipeline/run/spendLedger.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('remembers what was spent up to a few seconds before a crash, over any number of crashes', async () => {
  const file = join(folder, 'spent.json');
  let now = 0;
  for (let stretch = 1; stretch <= 3; stretch++) {
    const before = await SpendLedger.read(file);
    const budget = new Budget({ costPerHour: 2, maxBudget: 100, spentBefore: before.usd, clock: () => now });
    const ledger = new SpendLedger(file, () => ({ usd: budget.spent(), seconds: before.seconds + 1800 }), 10);
    ledger.start();
    now += 1_800_000;
    await delay(60); // some beats, and then the process is gone without a word
    await ledger.stop();
    now += 5_000_000; // the machine was off
    expect((await SpendLedger.read(file)).usd).toBeCloseTo(stretch);
    expect((await SpendLedger.read(file)).seconds).toBe(stretch * 1800);
  }
});

it.each(['', '{"spent_usd":', '[]', '{"spent_usd":"many"}', '{"spent_usd":-3,"seconds":null}'])(
  'counts from nothing when the file holds %j',
  async (text) => {
    const file = join(folder, 'damaged.json');
    await writeFile(file, text);
    expect(await SpendLedger.read(file)).toEqual({ usd: 0, seconds: 0 });
  },
);

it('does without a file, and without a disk that takes one', async () => {
  expect(await SpendLedger.read(join(folder, 'none.json'))).toEqual({ usd: 0, seconds: 0 });
  const ledger = new SpendLedger(join(folder, 'no', 'such', 'folder.json'), () => ({ usd: 1, seconds: 1 }));
  ledger.start();
  await ledger.stop();
});
