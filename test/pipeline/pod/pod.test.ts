import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { debug, resolveConfig, toSections } from '../../../model/index.js';
import { planBatch } from '../../../pipeline/pod/batchPlan.js';
import { costEstimate } from '../../../pipeline/pod/costEstimate.js';
import { parseGraphicsCards } from '../../../pipeline/pod/graphicsCard.js';
import { podConfig, writePodConfig } from '../../../pipeline/pod/podConfig.js';
import { trialDifferences } from '../../../pipeline/pod/trialDifferences.js';
import { trialSpeed } from '../../../pipeline/pod/trialSpeed.js';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import { UserError } from '../../../pipeline/userError.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-pod-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('parseGraphicsCards', () => {
  it('takes the first of the cards and counts them', () => {
    expect(parseGraphicsCards('NVIDIA GeForce RTX 4090, 24564\n')).toEqual({
      ...{ name: 'NVIDIA GeForce RTX 4090', memoryMiB: 24_564, count: 1 },
    });
    expect(parseGraphicsCards('NVIDIA A100-SXM4-80GB, 81920\nNVIDIA A100-SXM4-80GB, 81920\n').count).toBe(2);
    expect(() => parseGraphicsCards('No devices were found\n')).toThrow(
      /expected lines "name, MiB" but received "No devices/,
    );
  });
});

describe('planBatch', () => {
  const shipped = async (name: string) => {
    const file = join(projectFolder, 'configs', name);
    return resolveConfig({ preset: 'a', yaml: { text: await readFile(file, 'utf8'), file } }).config;
  };
  it.each([
    ['v8_4090.yaml', 24_564],
    ['v8_a100.yaml', 81_920],
  ])('finds for the machine of %s what that file has', async (name, memoryMiB) => {
    const { batch_size, grad_accum, grad_checkpoint } = await shipped(name);
    expect(planBatch(memoryMiB)).toEqual({
      ...{ batchSize: batch_size, gradAccum: grad_accum, gradCheckpoint: grad_checkpoint },
    });
  });
  it('shows the optimiser 16 pairs on every machine, and never asks for more memory where there is less', () => {
    let before = 0;
    for (let memoryMiB = 12_000; memoryMiB < 200_000; memoryMiB += 1000) {
      const { batchSize, gradAccum } = planBatch(memoryMiB);
      expect((batchSize / 2) * gradAccum).toBe(16);
      expect(batchSize).toBeGreaterThanOrEqual(before);
      before = batchSize;
    }
    expect(before).toBe(16);
    expect(planBatch(6144).gradCheckpoint).toBe(true);
    expect(planBatch(1024)).toEqual({ batchSize: 2, gradAccum: 16, gradCheckpoint: true });
  });
});

describe('podConfig', () => {
  const card = { name: 'NVIDIA L40S', memoryMiB: 46_068, count: 1 };
  it('is a valid configuration that differs from the shipped one in batch, workers, price and engine alone', async () => {
    const { text, base } = await podConfig(card, 0.86);
    expect(base).toBe('v8_a100.yaml');
    const shipped = parse(await readFile(join(projectFolder, 'configs', base), 'utf8')) as Record<string, object>;
    expect(parse(text)).toEqual({
      ...shipped,
      data: { ...shipped.data, batch_size: 8, num_workers: 0 },
      training: { ...shipped.training, gradient_accumulation_steps: 4, cost_per_hour: 0.86 },
      engine: { name: 'tensorflow-cuda' },
    });
    expect(resolveConfig({ preset: 'b', yaml: { text, file: 'pod.yaml' } }).config.cost_per_hour).toBe(0.86);
    expect(text).not.toContain('1.39');
    expect((await podConfig({ ...card, name: 'NVIDIA GeForce RTX 4090' }, 0.39)).base).toBe('v8_4090.yaml');
  });

  it('leaves an edited file alone, and keeps the old one when the GPU is another', async () => {
    const file = join(folder, 'kept.yaml');
    const made = await podConfig(card, 0.86);
    expect(await writePodConfig(file, made)).toBe('written');
    const edited = `${made.text}# mine\n`;
    await writeFile(file, edited);
    expect(await writePodConfig(file, made)).toBe('kept');
    expect(await readFile(file, 'utf8')).toBe(edited);
    const other = await podConfig(card, 0.5);
    expect(await writePodConfig(file, other)).toBe('replaced');
    expect(await readFile(file, 'utf8')).toBe(other.text);
    expect(await readFile(`${file}.before`, 'utf8')).toBe(edited);
  });

  it('says where it cannot be written', async () => {
    const made = await podConfig(card, 0.86);
    for (const file of [folder, join(folder, 'none', 'pod.yaml')]) {
      const refused = writePodConfig(file, made);
      await expect(refused).rejects.toBeInstanceOf(UserError);
      await expect(refused).rejects.toThrow(`--out: cannot write ${file}: `);
    }
  });
});

describe('costEstimate', () => {
  const config = {
    ...debug(),
    cost_per_hour: 0.5,
    budget_reserve_hours: 0.1,
    num_epochs: 10,
    val_every_epochs: 3,
    batch_size: 4,
    grad_accum: 2,
  };
  const trainIds = Array.from({ length: 40 }, (_, i) => `clip${i}`); // 10 steps an epoch
  const estimate = (more: object) =>
    costEstimate({ config, budget: 1, trainIds, speed: undefined, ...more }).join('\n');

  it('says what the money buys, and how fast a step has to be', () => {
    // 1 USD at 0.5 is 2 h, less 6 minutes: 6840 s for 100 steps
    expect(estimate({})).toContain('$1.00 at $0.50/h buy 2h00m, of which 6m00s are kept');
    expect(estimate({})).toContain('1h54m of training');
    expect(estimate({})).toContain('40 clips to train on: 10 steps an epoch, 100 in 10 epochs');
    expect(estimate({})).toContain('if a step takes at most 68.4 s');
  });
  it('says what all epochs cost at a measured speed, and where the budget ends', () => {
    // 100 steps of 90 s: 2.5 h and 0.1 h of reserve at 0.5; 6840 s are 76 steps
    const speed = { secondsPerStep: 90, secondsPerValidation: undefined };
    expect(estimate({ speed })).toContain(
      'at 90.00 s a step, as the trial took, and without validations, of which it had none, all epochs take 2h30m and cost $1.30; the budget ends after 7.6 epochs',
    );
    // 4 validations, after epochs 3, 6, 9 and 10: 1800 s more, and 10 epochs in 10,800 s
    expect(estimate({ speed: { ...speed, secondsPerValidation: 450 } })).toContain(
      'at 90.00 s a step and 450.0 s for each of 4 validations, as the trial took, all epochs take 3h00m and cost $1.55; the budget ends after 6.3 epochs',
    );
  });
  it('needs neither data nor a price', () => {
    expect(estimate({ trainIds: undefined }).split('\n')).toHaveLength(1);
    expect(estimate({ config: { ...config, cost_per_hour: 0 } })).toContain('costs nothing');
  });
});

describe('trialSpeed', () => {
  it('is the median of step and wait after the first steps, and the mean of validations', async () => {
    const run = join(folder, 'trial');
    await mkdir(run);
    const steps = [9000, 9000, 9000, 100, 200, 1000].map((step_ms) => ({ step_ms, data_wait_ms: 50 }));
    const rows = [...steps, { kind: 'val', ms: 3000 }, { kind: 'val', ms: 6000 }];
    await writeFile(join(run, 'metrics.jsonl'), `${rows.map((row) => JSON.stringify(row)).join('\n')}\n{"step_ms":9`);
    expect(await trialSpeed(run)).toEqual({ secondsPerStep: 0.25, secondsPerValidation: 4.5 });
    await expect(trialSpeed(folder)).rejects.toThrow(/--trial: cannot read/);
    const broken = ['null', '{broken}', '5', '{"step_ms":"9"}', ...rows.map((row) => JSON.stringify(row))];
    await writeFile(join(run, 'metrics.jsonl'), broken.join('\n'));
    expect(await trialSpeed(run)).toEqual({ secondsPerStep: 0.25, secondsPerValidation: 4.5 });
    await writeFile(join(run, 'metrics.jsonl'), steps.map((row) => JSON.stringify(row)).join('\n'));
    expect(await trialSpeed(run)).toEqual({ secondsPerStep: 0.25, secondsPerValidation: undefined });
  });
});

describe('trialDifferences', () => {
  it('names settings that make steps other ones, and no others', async () => {
    const run = join(folder, 'other-trial');
    await mkdir(run);
    expect(await trialDifferences(run, debug())).toBeUndefined();
    const made = toSections({ ...debug(), seed: 7, num_epochs: 3, img_size: 96, batch_size: 2, val_pairs: 3 });
    await writeFile(join(run, 'config.json'), JSON.stringify({ config: made }));
    const { img_size, batch_size, val_pairs } = debug();
    expect(await trialDifferences(run, debug())).toMatch(
      new RegExp(
        `data\\.batch_size 2 there, ${batch_size} here; data\\.img_size 96 there, ${img_size} here; training\\.val_pairs 3 there, ${val_pairs} here$`,
      ),
    );
    await writeFile(
      join(run, 'config.json'),
      JSON.stringify({ config: toSections({ ...debug(), seed: 7, dropout: 0.5, hll_fusion_alpha: 0.3 }) }),
    );
    expect(await trialDifferences(run, debug())).toBeUndefined();
  });
});

describe('pod', () => {
  const bin = () => join(folder, 'bin');
  const pod = async (smi: string | undefined, ...args: string[]) => {
    await rm(bin(), { recursive: true, force: true });
    await mkdir(bin());
    if (smi !== undefined) {
      await writeFile(join(bin(), 'nvidia-smi'), `#!/bin/sh\n${smi}\n`);
      await chmod(join(bin(), 'nvidia-smi'), 0o755);
    }
    const env = { ...process.env, PATH: `${bin()}:/bin` };
    return new Promise<{ code: number; text: string }>((resolve) => {
      execFile(process.execPath, ['pipeline/pod.js', ...args], { cwd: projectFolder, env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
      );
    });
  };

  it('writes a configuration for the card that nvidia-smi names, at the price of the table', async () => {
    const out = join(folder, 'pod.yaml');
    const { code, text } = await pod('echo "NVIDIA GeForce RTX 4090, 24564"', '--out', out, '--budget', '5');
    expect(code).toBe(0);
    expect(text).toContain('NVIDIA GeForce RTX 4090, 24564 MiB');
    expect(text).toContain('$5.00 at $0.39/h buy 12h49m'); // 5 / 0.39 = 12.82 h
    const { data, training } = parse(await readFile(out, 'utf8')) as Record<string, Record<string, unknown>>;
    expect([data!.batch_size, training!.gradient_accumulation_steps, training!.cost_per_hour]).toEqual([4, 8, 0.39]);
  });

  it('asks for the price of a card that the table does not know, and says when the driver fails', async () => {
    const out = join(folder, 'none.yaml');
    const unknown = await pod('echo "NVIDIA T4, 15360"', '--out', out);
    expect(unknown).toMatchObject({
      code: 2,
      text: expect.stringMatching(/no price for "NVIDIA T4".*or give --price/),
    });
    expect((await pod('echo "NVIDIA T4, 15360"', '--out', out, '--price', '0.2')).code).toBe(0);
    const broken = await pod('echo "couldn\'t communicate with the NVIDIA driver"; exit 9', '--out', out);
    expect(broken).toMatchObject({
      code: 2,
      text: expect.stringContaining("couldn't communicate with the NVIDIA driver"),
    });
  });

  it('takes the price of a machine without a GPU, and starts the training with it', async () => {
    const { code, text } = await pod(undefined, '--budget', '1', '--price', '0.05');
    expect(code).toBe(0);
    expect(text).toContain('$1.00 at $0.05/h buy 20h00m');
    expect(text).toMatch(/start .* --budget 1 --set training\.cost_per_hour=0\.05 /);
    expect((await pod(undefined)).text).not.toContain('cost_per_hour');
  });
});
