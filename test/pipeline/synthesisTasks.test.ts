import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../model/index.js';
import type { DataRoot } from '../../pipeline/data/dataRoot.js';
import { SynthesisTasks } from '../../pipeline/synthesisTasks.js';
import type { SynthesisTask } from '../../workers/index.js';

const locate = (id: string) => ({ id, crops: `/crops/${id}`, landmarks: `/landmarks/${id}` });
const data: DataRoot = { path: '/', ids: [], landmarkIds: [], locate };
const ids = {
  train: Array.from({ length: 20 }, (_, i) => `t${i}`),
  val: Array.from({ length: 5 }, (_, i) => `v${i}`),
};
const tasksWith = (...overrides: string[]) =>
  new SynthesisTasks(resolveConfig({ preset: 'a', overrides }).config, data, undefined, ids);
const key = (position: number, epoch = 1) => ({ seed: 7, epoch, position });
const donorsOf = ({ donors }: SynthesisTask) => donors?.map(({ id }) => id);

describe('donors of exchanged faces', () => {
  const tasks = tasksWith('sbi.exchange_prob=0.3');

  it('are named only where faces are exchanged', () => {
    const none = tasksWith();
    expect(none.training({ key: key(0) }, 't0')).not.toHaveProperty('donors');
    expect(none.validation('v0', 0)).not.toHaveProperty('donors');
    const { recipe, donors } = tasks.training({ key: key(0) }, 't0');
    expect(recipe.stages).toContainEqual({ stage: 'exchange', params: { prob: 0.3 } });
    expect(donors).toEqual(donors!.map(({ id }) => locate(id)));
  });

  it('are eight others of the clip’s own split, or as many as there are', () => {
    const seen = new Set<string>();
    for (let position = 0; position < 40; position++) {
      const clip = `t${position % 20}`;
      const training = donorsOf(tasks.training({ key: key(position) }, clip))!;
      expect(new Set(training).size).toBe(8);
      expect(training).not.toContain(clip);
      for (const id of training) {
        expect(ids.train).toContain(id);
        seen.add(id);
      }
      const own = `v${position % 5}`;
      expect(donorsOf(tasks.validation(own, position))!.toSorted()).toEqual(ids.val.filter((id) => id !== own));
    }
    expect(seen.size).toBe(20);
  });

  it('are never of the same person', () => {
    const personIn = (clip: string) => `person ${Number(clip.slice(1)) % 4}`;
    const { config } = resolveConfig({ preset: 'a', overrides: ['sbi.exchange_prob=1'] });
    const known = new SynthesisTasks(config, data, undefined, ids, personIn);
    for (let position = 0; position < 20; position++) {
      const clip = `t${position}`;
      const people = donorsOf(known.training({ key: key(position) }, clip))!.map(personIn);
      expect(people).toHaveLength(8);
      expect(people).not.toContain(personIn(clip));
      expect(donorsOf(known.validation('v0', position))!.toSorted()).toEqual(['v1', 'v2', 'v3']);
    }
  });

  it('depend on the key and the clip alone', () => {
    const at = (position: number, epoch: number, clip = 't3') =>
      donorsOf(tasksWith('sbi.exchange_prob=0.9').training({ key: key(position, epoch) }, clip));
    expect(at(4, 1)).toEqual(donorsOf(tasks.training({ key: key(4) }, 't3')));
    for (const other of [at(5, 1), at(4, 2)]) expect(other).not.toEqual(at(4, 1));
    expect(donorsOf(tasks.validation('v1', 3))).toEqual(donorsOf(tasks.validation('v1', 3)));
    const orders = [0, 1, 2, 3].map((position) => donorsOf(tasks.validation('v1', position))!.join());
    expect(new Set(orders).size).toBeGreaterThan(1);
  });

  it('are named beside the companions of mixed frames, and do not change them', () => {
    const mixing = ['data.mixed_frames=true', 'training.hll_loss_weight=0'];
    const mixed = tasksWith(...mixing, 'sbi.exchange_prob=1').training({ key: key(2) }, 't5');
    const plain = tasksWith(...mixing).training({ key: key(2) }, 't5');
    expect(mixed.mix).toEqual(plain.mix);
    expect(donorsOf(mixed)).toHaveLength(8);
    expect(donorsOf(mixed)).not.toContain('t5');
  });
});
