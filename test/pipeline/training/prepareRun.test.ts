import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointError, debug, toSections, writeCheckpoint } from '../../../model/index.js';
import { prepareRun, type TrainOptions } from '../../../pipeline/training/prepareRun.js';
import { UserError } from '../../../pipeline/userError.js';

/* Mistakes that are to be found before anything is started. Of the clips only the names are looked at here. */

const folder = mkdtempSync(join(tmpdir(), 'stf-prepare-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  for (const id of ['a', 'b'])
    for (const part of ['crops', 'landmarks']) writeFileSync(join(folder, `${id}_${part}.npz`), '');
  writeFileSync(join(folder, 'manifest.csv'), 'id,split,label\na,train,0\nb,val,0\n');
});

let runs = 0;
const prepare = (change: Partial<TrainOptions>) =>
  prepareRun({
    ...{ config: 'configs/v8_debug.yaml', phase: 'a', set: ['features.use_compression_aug=false'] },
    ...{ dataRoot: folder, out: join(folder, `run-${runs++}`), logFormat: 'json', ...change },
  } as TrainOptions);

async function checkpoint(name: string, state: object): Promise<string> {
  const tensors = new Map([['stem.conv.kernel', { dtype: 'F32' as const, shape: [1], data: new Float32Array(1) }]]);
  await writeCheckpoint(join(folder, name), tensors, state);
  return join(folder, `${name}.safetensors`);
}

describe('--resume of a checkpoint whose state no run wrote', () => {
  it.each<[string, object, string]>([
    ['a step in words', { phase: 'a', step: 'many', config: toSections(debug()) }, 'state.step: '],
    ['nothing but a phase', { phase: 'a' }, 'state.quarantined: '],
    ['no configuration, which is not the default one', { phase: 'a', step: 1 }, 'state.config: '],
    ['no phase', { step: 1 }, 'state.phase: '],
  ])('%s', async (_, state, problem) => {
    const file = await checkpoint('spoilt', state);
    const refused = await prepare({ resume: file }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CheckpointError);
    expect((refused as Error).message).toContain(`checkpoint ${file} does not hold the state of a run`);
    expect((refused as Error).message).toContain(problem);
    const out = join(folder, `auto-${runs}`);
    await checkpoint(join(`auto-${runs}`, 'checkpoints', 'last'), state);
    await expect(prepare({ resume: 'auto', out })).rejects.toThrow(problem);
  });
});

describe('--init-aliases', () => {
  it('is for Phase B that begins with weights of Phase A', async () => {
    const file = await checkpoint('phase-a', { phase: 'a' });
    for (const given of [{ resume: file }, { init: file }]) {
      const prepared = await prepare({ ...given, phase: 'b', initAliases: true });
      expect(prepared).toMatchObject({ transfer: file, resumed: undefined, options: { initAliases: true } });
      await prepared.dispose();
    }
    await expect(prepare({ init: file, initAliases: true })).rejects.toThrow('expected --phase b, received a');
    await expect(prepare({ phase: 'b', initAliases: true })).rejects.toThrow(/--init <file> or --resume <file>/);
    const later = await checkpoint('phase-b', { phase: 'b' });
    const again = prepare({ phase: 'b', resume: later, initAliases: true });
    await expect(again).rejects.toThrow(UserError);
    await expect(again).rejects.toThrow(`${later} is of the same phase`);
  });
});

describe('sbi.exchange_prob', () => {
  const exchanging = (manifest: string, ...set: string[]) => {
    const data = mkdtempSync(join(folder, 'exchange-'));
    for (const id of ['a', 'b', 'c', 'd'])
      for (const part of ['crops', 'landmarks']) writeFileSync(join(data, `${id}_${part}.npz`), '');
    writeFileSync(join(data, 'manifest.csv'), `id,split,label,identity\n${manifest}`);
    return prepare({ dataRoot: data, set: ['features.use_compression_aug=false', ...set] });
  };

  it.each([
    ['train', 'a,train,0,\nb,val,0,\nc,val,0,\nd,train,1,\n'],
    ['val', 'a,train,0,\nb,train,0,\nc,val,0,\n'],
    ['train', 'a,train,0,anna\nb,train,0,anna\nc,val,0,bert\nd,val,0,carl\n'],
  ])('needs two people in split %s', async (split, manifest) => {
    const refused = exchanging(manifest, 'sbi.exchange_prob=0.1');
    await expect(refused).rejects.toThrow(UserError);
    await expect(refused).rejects.toThrow(
      `sbi.exchange_prob: expected real clips of at least 2 people in split ${split}, since a face is taken from another person, but there is 1`,
    );
    const prepared = await exchanging(manifest, 'sbi.exchange_prob=0');
    await prepared.dispose();
  });

  it('is content with two in each', async () => {
    const manifest = 'a,train,0,anna\nb,train,0,\nc,val,0,bert\nd,val,0,carl\n';
    const prepared = await exchanging(manifest, 'sbi.exchange_prob=0.1');
    expect(prepared.ids).toEqual({ train: ['a', 'b'], val: ['c', 'd'] });
    expect(['a', 'b', 'c', 'd'].map(prepared.personIn)).toEqual(['anna', 'b', 'bert', 'carl']);
    await prepared.dispose();
  });
});
