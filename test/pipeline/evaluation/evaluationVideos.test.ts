import { describe, expect, it } from 'vitest';
import { faceForensicsFakes } from '../../../pipeline/data/faceForensicsFakes.js';
import { parseManifest, parseSplitList, type Splits } from '../../../pipeline/data/splits.js';
import { evaluationVideos } from '../../../pipeline/evaluation/evaluationVideos.js';
import { UserError } from '../../../pipeline/userError.js';

const dataOf = (...ids: string[]) => ({
  path: '/data',
  ids,
  locate: (id: string) => ({ id, crops: `/data/${id}_crops.npz`, landmarks: `/data/${id}_landmarks.npz` }),
});
const manifest = (...rows: string[]): Splits => ({
  source: '/data/manifest.csv',
  clips: parseManifest(['id,split,label,method,pair_group', ...rows].join('\n'), '/data/manifest.csv'),
});
const official = (test: string): Splits => ({
  source: '/data/splits',
  clips: { train: parseSplitList('[["001","002"]]', 'train'), val: [], test: parseSplitList(test, 'test') },
});

describe('faceForensicsFakes', () => {
  it("takes the fakes whose target is in the split, with the method in front and the target's pair group", () => {
    const ids = ['071', '054', 'Deepfakes_071_054', 'Face2Face_054_071', '071_054', 'Deepfakes_001_002', 'x_071_999'];
    expect(faceForensicsFakes(['071', '054'], new Set(['071', '054', '001', '002']), ids)).toEqual([
      { id: 'Deepfakes_071_054', label: 1, method: 'Deepfakes', pairGroup: '071' },
      { id: 'Face2Face_054_071', label: 1, method: 'Face2Face', pairGroup: '054' },
      { id: '071_054', label: 1, pairGroup: '071' },
    ]);
  });

  it('reads ids and methods that hold underscores', () => {
    const known = new Set(['anna_1', 'bert_3', '1']);
    expect(faceForensicsFakes(['anna_1'], known, ['deep_fakes_v2_anna_1_bert_3', 'anna_1', 'anna_1_2'])).toEqual([
      { id: 'deep_fakes_v2_anna_1_bert_3', label: 1, method: 'deep_fakes_v2', pairGroup: 'anna_1' },
    ]);
  });
});

describe('evaluationVideos', () => {
  const splits = manifest('r,test,0,,g', 'f,test,1,swap,g', 'h,test,1,reenact,g', 'n,test,1,,g', 't,train,0,,');
  const data = dataOf('f', 'h', 'n', 'r', 't');

  it('takes the rows of the split; with methods their fakes and all reals', () => {
    expect(evaluationVideos(splits, data, 'test').map(({ id }) => id)).toEqual(['r', 'f', 'h', 'n']);
    expect(evaluationVideos(splits, data, 'test', ['swap']).map(({ id }) => id)).toEqual(['r', 'f']);
  });

  it('finds the fakes of official splits, each original its own pair group', () => {
    const ids = ['054', '071', 'Deepfakes_071_054'];
    expect(evaluationVideos(official('[["071","054"]]'), dataOf(...ids), 'test')).toEqual([
      { id: '071', label: 0, pairGroup: '071' },
      { id: '054', label: 0, pairGroup: '054' },
      { id: 'Deepfakes_071_054', label: 1, method: 'Deepfakes', pairGroup: '071' },
    ]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['an empty split', () => evaluationVideos(splits, data, 'val'), /the split "val" is empty.*in "train" and "test"/],
    ['no fakes', () => evaluationVideos(splits, data, 'train'), /1 real videos and no fakes.*add rows with label 1/],
    [
      'no reals',
      () => evaluationVideos(manifest('f,test,1,swap,g'), data, 'test'),
      /1 fakes and no real videos.*add rows with label 0/,
    ],
    [
      'splits that say nothing of fakes',
      () => evaluationVideos(official('["071"]'), dataOf('071'), 'test'),
      /no fakes.*add \/data\/manifest\.csv with the columns id,split,label,method,pair_group.*Deepfakes_071_054_crops\.npz/,
    ],
    [
      'an unknown method',
      () => evaluationVideos(splits, data, 'test', ['swap', 'Swap']),
      /expected some of \(not named\), reenact, swap .*but received Swap;/,
    ],
    [
      'another data root',
      () => evaluationVideos(splits, dataOf('other'), 'test'),
      /none of the 4 videos .* lies in \/data; expected e\.g\. \/data\/r_crops\.npz/,
    ],
  ])('says what is wrong with %s', (_, call, message) => {
    expect(call).toThrow(UserError);
    expect(call).toThrow(message);
  });
});
