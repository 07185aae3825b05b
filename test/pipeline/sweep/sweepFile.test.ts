import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import { checkSweepData } from '../../../pipeline/sweep/checkSweepData.js';
import { parseSweepFile } from '../../../pipeline/sweep/sweepFile.js';
import { planSweep } from '../../../pipeline/sweep/sweepPlan.js';

describe('parseSweepFile', () => {
  it('lays each run over what is common, paths from the folder of the file', () => {
    const text = `
budget: 2
seeds: [1, 2]
common: { config: base.yaml, phase: b, set: { training.lr: 1.0e-3, data.data_root: /crops } }
runs:
  plain:
  other: { phase: a, config: /abs.yaml, set: { training.lr: 2.0e-3, sbi.blend_weights: { alpha: 1 } } }`;
    expect(parseSweepFile(text, '/sweeps/file.yaml')).toEqual({
      budget: 2,
      seeds: [1, 2],
      reference: 'plain',
      variants: [
        {
          name: 'plain',
          config: '/sweeps/base.yaml',
          phase: 'b',
          set: ['training.lr=0.001', 'data.data_root=/crops'],
        },
        {
          name: 'other',
          config: '/abs.yaml',
          phase: 'a',
          set: ['training.lr=0.002', 'data.data_root=/crops', 'sbi.blend_weights={"alpha":1}'],
        },
      ],
    });
  });

  it.each([
    ['runs: {}', /runs: expected at least one run/],
    ['runs: { "../up": {} }', /runs.*expected letters/],
    ['runs: { a: { phase: c } }', /runs\.a\.phase/],
    ['runs: { a: {} }\nseeds: [1, 1]', /each seed once/],
    ['runs: { a: {} }\nreference: b', /reference: expected one of a but received "b"/],
    ['runs: { a: {} }\nbudgt: 3', /budgt/],
    ['runs: { a: { init: b }, b: {} }', /runs\.a\.init: expected a run that comes before it \(there is none\).*"b"/],
    ['runs: { a: {}, b: { init: b } }', /runs\.b\.init: expected a run that comes before it \(a\).*"b"/],
    ['common: { init: a }\nruns: { a: {} }', /common.*init/],
    ['runs: [', /not valid YAML/],
    ['runs: { a: *x }', /f\.yaml: not valid YAML: .*alias.*: x/],
  ])('refuses %j', (text, message) => expect(() => parseSweepFile(text, 'f.yaml')).toThrow(message));
});

describe('checkSweepData', () => {
  it('refuses runs of which none can read its data, and lets one that can begin', async () => {
    const nowhere = { dataRoot: '/nowhere/crops' };
    await expect(checkSweepData([nowhere, nowhere])).rejects.toThrow(
      /^--data-root: expected a folder of face crops, but \/nowhere\/crops does not exist$/,
    );
    const root = await mkdtemp(join(tmpdir(), 'stf-sweep-data-'));
    try {
      await writeFile(join(root, 'a_crops.npz'), '');
      await writeFile(join(root, 'manifest.csv'), 'id,split,label\na,training,0\n');
      await expect(checkSweepData([nowhere, { dataRoot: root }])).rejects.toThrow(
        /does not exist\n.*manifest\.csv, row 1: expected split train/,
      );
      await writeFile(join(root, 'manifest.csv'), 'id,split,label\na,train,0\n');
      await checkSweepData([nowhere, { dataRoot: root }]);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});

describe('planSweep', () => {
  const options = { dataRoot: '/crops', gpu: '4090', set: [] };
  const plan = async (...more: string[]) => {
    const file = join(projectFolder, 'configs', 'ablation.yaml');
    const sweep = parseSweepFile(await readFile(file, 'utf8'), file);
    return planSweep({ ...sweep, seeds: [1, 2] }, '/out', { ...options, set: more });
  };

  it('makes the six ablations of the shipped file, each what its name says, all seeds one after the other', async () => {
    const runs = await plan();
    expect(runs.map(({ name }) => name)).toEqual(
      [1, 2].flatMap((seed) =>
        ['baseline', 'a', 'b', 'no_hll', 'no_h264', 'no_drift'].map((name) => `${name}-seed${seed}`),
      ),
    );
    const [baseline, a, b, noHll, noH264, noDrift] = runs.map(({ settings }) => settings);
    const changes = (one: Record<string, unknown> | undefined) =>
      Object.keys(one!)
        .filter((key) => JSON.stringify(one![key]) !== JSON.stringify(a![key]))
        .sort();
    const phaseA = ['use_compression_aug', 'use_contrastive_hll', 'use_hll_normalization', 'use_multiscale_drift'];
    expect(changes(baseline)).toEqual(['phase', ...phaseA]);
    expect(changes(b)).toEqual(['phase', 'use_adaptive_sdim', 'use_hydra', 'use_mamer', 'use_wss']);
    expect(changes(noHll)).toEqual(['hll_loss_weight']);
    expect(changes(noH264)).toEqual(['use_compression_aug']);
    expect(changes(noDrift)).toEqual(['drift_prob', 'tps_prob']);
    expect(changes(runs[7]!.settings)).toEqual(['seed']);
    expect(runs[0]!.config.cost_per_hour).toBe(0.39);
    expect(runs[3]!.args.join(' ')).toContain(
      '--set training.hll_loss_weight=0 --data-root /crops --gpu 4090 --seed 1',
    );
  });

  it('begins a run with the best weights of an earlier one of the same seed', async () => {
    const sweep = parseSweepFile('seeds: [1, 2]\nruns: { trunk: {}, a: { init: trunk } }', '/s.yaml');
    const runs = await planSweep(sweep, '/out', options);
    const inits = runs.map(({ args }) => (args.includes('--init') ? args[args.indexOf('--init') + 1] : undefined));
    const best = (seed: number) => `/out/trunk-seed${seed}/checkpoints/best.safetensors`;
    expect(inits).toEqual([undefined, best(1), undefined, best(2)]);
    expect(runs.map(({ settings }) => settings.init)).toEqual([undefined, 'trunk', undefined, 'trunk']);
  });

  it('names the mistakes of all runs at once', async () => {
    const error = await plan('training.lr=fast').catch((failure: Error) => failure.message);
    for (const name of ['baseline', 'a', 'no_drift']) expect(error).toMatch(new RegExp(`^run ${name}: `, 'm'));
    expect(error).toContain('training.lr');
  });
});
