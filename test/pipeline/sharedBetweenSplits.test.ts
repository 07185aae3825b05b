import { describe, expect, it } from 'vitest';
import { describeShared, identitiesOf, sharedBetweenSplits } from '../../pipeline/data/sharedBetweenSplits.js';
import type { SplitEntry } from '../../pipeline/data/splits.js';

const real = (id: string, more: Partial<SplitEntry> = {}): SplitEntry => ({ id, label: 0, ...more });
const fake = (id: string, more: Partial<SplitEntry> = {}): SplitEntry => ({ id, label: 1, ...more });

describe('identitiesOf', () => {
  it.each([
    [real('071'), ['071']],
    [fake('071_054'), ['071', '054']],
    [fake('Deepfakes_071_054'), ['071', '054']],
    [real('071_054'), []], // a person and a take, as far as one can tell
    [fake('clip_001'), []],
    [fake('anything', { identity: 'anna' }), ['anna']],
  ])('%j', (entry, names) => expect(identitiesOf(entry)).toEqual(names));
});

describe('sharedBetweenSplits', () => {
  it('finds clips, persons and pair groups in two splits, and nothing else', () => {
    const clips = {
      train: [real('071'), real('a', { identity: 'anna' }), real('b', { pairGroup: 'g' }), real('twice')],
      val: [fake('054_071'), real('c', { identity: 'anna' }), real('twice'), real('054')],
      test: [fake('d', { pairGroup: 'g' }), real('e', { identity: 'eva' }), fake('f', { identity: 'eva' })],
    };
    const found = sharedBetweenSplits(clips).map(({ kind, name, splits }) => `${kind} ${name}: ${splits}`);
    expect(found.sort()).toEqual([
      'clip twice: train,val',
      'identity 071: train,val',
      'identity anna: train,val',
      'pair_group g: train,test',
    ]);
    expect(sharedBetweenSplits({ train: [real('071'), fake('071_054')], val: [real('001')], test: [] })).toEqual([]);
  });

  it('names three and counts the rest', () => {
    const four = ['a', 'b', 'c', 'd'].map((id) => real(id));
    expect(describeShared(sharedBetweenSplits({ train: four, val: four, test: [] }))).toBe(
      'clip "a" stands in train and in val; clip "b" stands in train and in val; clip "c" stands in train and in val; and 1 more; expected every person in one split',
    );
  });
});
