import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { debug, type HostTensor, readCheckpoint, type StfConfig, writeCheckpoint } from '../../../model/index.js';
import {
  apply,
  type MicroRequest,
  micro,
  type StartRequest,
  save,
  start,
} from '../../../pipeline/training/trainActor.js';
import { darkerPairs, smallestNetwork } from '../../model/training/smallestNetwork.js';

/* The actor's work, called where it stands: what a run begins with. */

const folder = mkdtempSync(join(tmpdir(), 'stf-actor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const small: StfConfig = { ...debug(), ...smallestNetwork, stage4_blocks: 2 };
const phaseA: StfConfig = { ...small, engine: { ...small.engine, step: 'eager' } };
const phaseB: StfConfig = { ...phaseA, use_hydra: true, use_mamer: true, use_wss: true, use_adaptive_sdim: true };

/** What a run of this configuration begins with, as it would save it at once. */
async function begun(name: string, request: Pick<StartRequest, 'config'> & Partial<StartRequest>) {
  const reply = await start({ stepsPerEpoch: 1, totalSteps: 9, ...request });
  if ('failed' in reply) throw new Error(reply.failed.message);
  await save({ folder, names: [name], state: { step: 0 } });
  const file = join(folder, `${name}.safetensors`);
  return { file, notes: reply.notes, tensors: (await readCheckpoint(file)).tensors };
}

it('begins Mamer blocks with attention layers of Phase A where it is asked to, and only there', async () => {
  const before = await begun('a', { config: phaseA });
  const [plain, aliased] = [
    await begun('plain', { config: phaseB, transfer: before.file }),
    await begun('aliased', { config: phaseB, transfer: before.file, aliases: true }),
  ];
  for (const [stage, layer] of [
    [4, 0],
    [3, 1],
  ])
    for (const leaf of ['qkv.kernel', 'proj.kernel']) {
      const name = `temporal${stage}.mamer.attn.${leaf}`;
      const own = before.tensors.get(`stage4.${layer}.attn.${leaf}`)!.data;
      expect(aliased.tensors.get(name)!.data, name).toEqual(own);
      expect(plain.tensors.get(name)!.data, name).not.toEqual(own);
    }
  const taken = ({ notes }: typeof plain) => Number(/^(\d+) of \d+ parameters taken over/m.exec(notes.join('\n'))![1]);
  // Two layers of 16 channels: queries, keys, values and the projection, with biases.
  expect(taken(aliased) - taken(plain)).toBe(2 * 4 * 16 * 17);
});

it('names the file when it holds another network', async () => {
  const { tensors } = await begun('whole', { config: phaseA });
  const extra: HostTensor = { dtype: 'F32', shape: [1], data: new Float32Array(1) };
  const resumed = async (name: string, changed: Map<string, HostTensor>) => {
    await writeCheckpoint(join(folder, name), changed, { step: 0 });
    const file = join(folder, `${name}.safetensors`);
    const reply = await start({ config: phaseA, stepsPerEpoch: 1, totalSteps: 9, resume: file });
    return 'failed' in reply ? reply.failed.message.replace(file, 'FILE') : 'resumed';
  };
  expect(await resumed('same', tensors)).toBe('resumed');
  expect(await resumed('other', new Map(tensors).set('stage9.kernel', extra))).toBe(
    'FILE: the checkpoint holds another network:\n  unexpected (1): stage9.kernel',
  );
  const without = new Map(tensors);
  without.delete('optim.m');
  expect(await resumed('momentless', without)).toMatch(/^FILE: .*optim\.m: expected F32 \[\d+\], received nothing$/);
});

it('trains on clips that came with the call before, and refuses a call without any', async () => {
  const batches = [0, 1, 2, 3].map((seed) => darkerPairs(seed, 2));
  const results = async (staging: 'on' | 'off') => {
    const config: StfConfig = { ...small, engine: { ...small.engine, step: 'recorded', staging } };
    await start({ config, stepsPerEpoch: 1, totalSteps: 9 });
    const rows: unknown[] = [];
    for (const [i, { clips, labels }] of batches.entries()) {
      const next = batches[i + 1] && { key: `${i + 2}/0`, clips: batches[i + 1]!.clips };
      const ahead = staging === 'on';
      const reply = await micro({
        ...(i === 0 || !ahead ? { clips } : {}),
        ...(next && ahead ? { next } : {}),
        ...{ labels, step: i + 1, micro: 0, seed: 42 },
      });
      if ('failed' in reply) throw new Error(reply.failed.message);
      expect(reply.staging).toBe(ahead);
      rows.push(reply.result, { ...(await apply({ step: i + 1 })), ms: 0, utilisation: 0 });
    }
    return rows;
  };
  const expected = await results('off');
  expect(await results('on')).toEqual(expected);
  const { clips, labels } = batches[0]!;
  const request: MicroRequest = { labels, step: 5, micro: 0, seed: 42 };
  await expect(micro(request)).rejects.toThrow('no clips came for micro-batch 5/0');
  await micro({ ...request, clips, next: { key: '6/0', clips } });
  await expect(micro({ ...request, step: 7 })).rejects.toThrow('no clips came for micro-batch 7/0');
}, 120_000);
