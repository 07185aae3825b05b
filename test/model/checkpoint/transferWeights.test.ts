import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../../model/checkpoint/checkpointFile.js';
import { float32, type HostTensor } from '../../../model/checkpoint/hostTensor.js';
import { encodeSafetensors } from '../../../model/checkpoint/safetensors.js';
import { describeTransfer, phaseBAliases, transferWeights } from '../../../model/checkpoint/transferWeights.js';
import { debug, phaseA, phaseB, type StfConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { StfMamba } from '../../../model/stfMamba.js';
import { Trainer } from '../../../model/training/trainer.js';
import { seededUniform } from '../seededUniform.js';

const folder = mkdtempSync(join(tmpdir(), 'transfer-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await startEngine();
});

/** Starting values do not matter where only names, shapes and whose values they are is looked at. */
const open = (config: StfConfig) => new StfMamba(config, () => 0.5);
/** Weights of a model, each filled with one number. */
const filled = (model: StfMamba, value: number): Map<string, HostTensor> =>
  new Map(
    [...model.parameters].map(([name, { shape, size }]) => [name, float32(shape, new Float32Array(size).fill(value))]),
  );
const partsOf = (names: Iterable<string>) => [...new Set([...names].map((name) => name.split('.')[0]))].sort();
const firstValue = (model: StfMamba, name: string) => model.parameters.get(name)!.dataSync()[0];

describe('Phase B from Phase A', () => {
  it('takes stem, reductions, contour blocks, wavelet branch and head, and says what it drops and starts anew', async () => {
    const before = open(phaseA());
    const file = join(folder, 'phase_a_best.safetensors');
    writeFileSync(file, encodeSafetensors(filled(before, 7)));
    const [names, model] = [[...before.parameters.keys()], open(phaseB())];
    before.dispose();

    const report = await transferWeights(model, file);
    const kept = ['down1', 'down2', 'down3', 'dwt', 'head', 'stage1', 'stage2', 'stem'];
    expect(partsOf(report.loaded)).toEqual(kept);
    expect(partsOf(report.unexpected)).toEqual(['stage3', 'stage4']);
    expect(partsOf(report.missing)).toEqual(
      [
        'adaptive',
        ...[1, 2, 3].map((i) => `lateral${i}`),
        ...[1, 2, 3, 4].map((i) => `temporal${i}`),
        'trans2',
        'trans3',
        'wss',
      ].sort(),
    );
    expect(report.mismatched).toEqual([]);
    // No name is forgotten and none is in two lists.
    expect([...report.loaded, ...report.unexpected].sort()).toEqual([...names].sort());
    expect([...report.loaded, ...report.missing].sort()).toEqual([...model.parameters.keys()].sort());
    expect(report).toMatchObject({ transferred: 1_360_803, total: 18_598_216 });
    for (const [name, variable] of model.parameters) {
      const values = variable.dataSync();
      expect(
        values.every((value) => value === 7),
        name,
      ).toBe(report.loaded.includes(name));
    }
    expect(describeTransfer(report)).toEqual([
      '1360803 of 18598216 parameters taken over (7.3 %)',
      'loaded: stem, dwt, down1, stage1, down2, stage2, down3, head',
      'dropped: stage3, stage4',
      expect.stringMatching(/^fresh: (?=.*wss)(?=.*adaptive)(?=.*temporal4)(?=.*lateral3)(?=.*trans2)/),
    ]);
    model.dispose();
  });
});

describe('on the small network', () => {
  const small = debug();
  const later: StfConfig = { ...small, use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true };

  /** A Phase A checkpoint as a run writes it, after one step with moving averages. */
  async function written(config: StfConfig): Promise<string> {
    const model = open(config);
    const trainer = new Trainer(model, config, { stepsPerEpoch: 1, totalSteps: 10 });
    const base = join(folder, `run-${config.ema_decay}-${config.stage4_blocks}`);
    const tensors = trainer.exportState();
    for (const [name, tensor] of tensors) {
      if (name.startsWith('ema.')) (tensor.data as Float32Array).fill(name.startsWith('ema.stage4.1.') ? 4 : 3);
    }
    await writeCheckpoint(base, tensors, { phase: 'a' });
    trainer.dispose();
    model.dispose();
    return `${base}.safetensors`;
  }

  it('begins with the moving averages where there are such, and with nothing of the optimiser', async () => {
    const model = open(later);
    const report = await transferWeights(model, await written({ ...small, ema_decay: 0.9 }));
    expect(firstValue(model, 'stem.conv.kernel')).toBe(3);
    expect(report.unexpected.filter((name) => /^(optim|ema)\./.test(name))).toEqual([]);
    model.dispose();
  });

  it('gives attention layers to Mamer blocks when asked to', async () => {
    const wide = { ...small, stage4_blocks: 2 };
    const file = await written({ ...wide, ema_decay: 0.5 });
    const model = open({ ...later, stage4_blocks: 2 });
    const [plain, aliased] = [await transferWeights(model, file), await transferWeights(model, file, phaseBAliases)];
    const gained = aliased.loaded.filter((name) => !plain.loaded.includes(name));
    expect(gained.sort()).toEqual(
      [3, 4].flatMap((i) =>
        ['proj.bias', 'proj.kernel', 'qkv.bias', 'qkv.kernel'].map((leaf) => `temporal${i}.mamer.attn.${leaf}`),
      ),
    );
    expect(aliased.unexpected.some((name) => name.includes('attn'))).toBe(false);
    // The later of two layers goes to the earlier stage.
    expect(firstValue(model, 'temporal3.mamer.attn.qkv.kernel')).toBe(4);
    expect(firstValue(model, 'temporal4.mamer.attn.qkv.kernel')).toBe(3);
    expect(aliased.transferred - plain.transferred).toBe(2 * 4 * 128 * 129);
    model.dispose();
  });

  it('writes out what steers a terminal in the names that it drops, and does not list them without end', async () => {
    const file = join(folder, 'steering.safetensors');
    const one = float32([1], new Float32Array(1));
    const names = ['\u001b[2J.a', ...Array.from({ length: 1000 }, (_, i) => `p${i}.a`)];
    const model = open(later);
    const { shape, size } = model.parameters.get('stem.conv.kernel')!;
    const tensors = new Map(names.map((name) => [name, one]));
    writeFileSync(file, encodeSafetensors(tensors.set('stem.conv.kernel', float32(shape, new Float32Array(size)))));
    const dropped = describeTransfer(await transferWeights(model, file)).find((line) => line.startsWith('dropped'));
    expect(dropped).toContain('"\\u001b[2J"');
    expect(dropped).toMatch(/, … \(1001\)$/);
    expect(dropped!.length).toBeLessThan(500);
    model.dispose();
  });

  it('refuses a file of which nothing fits, and says what it was offered', async () => {
    const file = join(folder, 'other.safetensors');
    writeFileSync(file, encodeSafetensors(new Map([['blocks.0.weight', float32([2], new Float32Array(2))]])));
    const model = open(later);
    await expect(transferWeights(model, file)).rejects.toThrow(
      /^cannot begin with .*other\.safetensors: nothing in it fits this model:\n {2}missing \(\d+\): stem.*\n {2}unexpected \(1\): blocks\.0\.weight$/,
    );
    model.dispose();
  });
});

describe('memory', () => {
  it('is not left behind', async () => {
    const before = tf.memory().numTensors;
    const model = new StfMamba(debug(), seededUniform(1));
    const file = join(folder, 'whole.safetensors');
    writeFileSync(file, encodeSafetensors(filled(model, 1)));
    await transferWeights(model, file);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
