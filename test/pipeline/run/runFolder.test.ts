import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDiskTrouble } from '../../../operators/index.js';
import { RunFolder } from '../../../pipeline/run/runFolder.js';

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'run-folder-'));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

describe('RunFolder', () => {
  it('takes a folder that is gone for a disk in trouble, until it is back', async () => {
    const run = await RunFolder.at(join(parent, 'a'));
    await run.assertThere();
    await rename(run.path, `${run.path}-away`);
    const error = await run.assertThere().catch((it: unknown) => it);
    expect(error).toMatchObject({ message: `the run's folder ${run.path} is gone` });
    expect(isDiskTrouble(error)).toBe(true);
    await rename(`${run.path}-away`, run.path);
    await run.assertThere();
  });

  it('cuts what was logged after a checkpoint; a validation of its step only where the checkpoint does not know it', async () => {
    const run = await RunFolder.at(join(parent, 'b'));
    const rows = [
      { step: 1 },
      { step: 2 },
      { step: 2, kind: 'val' },
      { step: 3 },
      { step: 4 },
      { step: 4, kind: 'val' },
    ];
    const write = () =>
      writeFile(run.file('metrics.jsonl'), rows.map((row) => `${JSON.stringify({ ...row, loss: 1 })}\n`).join(''));
    const kept = async (state: { step: number; validatedStep?: number }) => {
      await write();
      await run.rewindTo({ ...state, quarantined: [] });
      const text = await readFile(run.file('metrics.jsonl'), 'utf8');
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as (typeof rows)[number]);
    };
    const steps = (list: typeof rows) => list.map(({ step, kind }) => `${step}${kind ?? ''}`);
    expect(steps(await kept({ step: 3, validatedStep: 2 }))).toEqual(['1', '2', '2val', '3']);
    expect(steps(await kept({ step: 4, validatedStep: 2 }))).toEqual(['1', '2', '2val', '3', '4']);
    expect(steps(await kept({ step: 4, validatedStep: 4 }))).toEqual(['1', '2', '2val', '3', '4', '4val']);
    expect(steps(await kept({ step: 2, validatedStep: 0 }))).toEqual(['1', '2']);
    // Checkpoints of an earlier version do not say what they know.
    expect(steps(await kept({ step: 2 }))).toEqual(['1', '2', '2val']);
  });
});
