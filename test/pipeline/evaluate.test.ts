import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32 } from '../../model/checkpoint/hostTensor.js';
import { predict } from '../../model/evaluation/predict.js';
import { debug, rocAuc, StfMamba, startEngine, writeCheckpoint } from '../../model/index.js';
import { projectFolder } from '../../pipeline/projectFolder.js';
import { readClip } from '../../workers/index.js';
import { cutStoredClips } from '../../workers/synthesis/cutClips.js';
import { seededUniform } from '../model/training/seededUniform.js';
import { syntheticClip, writeClip } from '../workers/syntheticClip.js';
import { elements, readMarkup, textOf } from './report/markupTree.js';

/* The real entry point, as a researcher calls it, on made-up videos and an untrained network. */

const config = debug();
const HOSTILE = `<img src=x onerror=alert(1)> & "'`;
const { num_segments, frames_per_segment, img_size, num_frames } = config;
const clipOptions = { clips: 4, num_segments, frames_per_segment, img_size };

type Video = { id: string; label: 0 | 1; method: string; group: string };
const videos: Video[] = [0, 1, 2, 3].flatMap((person): Video[] => [
  { id: `p${person}`, label: 0, method: '', group: `g${person}` },
  { id: `swap_${person}`, label: 1, method: 'swap', group: `g${person}` },
  ...(person < 2 ? [{ id: `re ${person} ${HOSTILE}`, label: 1 as const, method: HOSTILE, group: `g${person}` }] : []),
]);
const manifestOf = (rows: readonly Video[]) =>
  `id,split,label,method,pair_group\n${rows
    .map(({ id, label, method, group }) =>
      [id, 'test', label, method, group].map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(','),
    )
    .join('\n')}\n`;

let folder: string;
let data: string;
let checkpoint: string;
let model: StfMamba;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-evaluate-'));
  data = join(folder, 'data');
  for (const { id } of videos) await writeClip(data, syntheticClip({ id, frames: num_frames + 8, size: 80 }));
  await writeClip(data, syntheticClip({ id: 'short', frames: num_frames - 1, size: 80 }));
  const more = [
    { id: 'short', label: 1 as const, method: 'swap', group: 'g9' },
    { id: 'gone', label: 0 as const, method: '', group: 'g9' },
  ];
  await writeFile(join(data, 'manifest.csv'), manifestOf([...videos, ...more]));
  await startEngine('auto');
  model = new StfMamba(config, seededUniform(3));
  const weights = [...model.parameters].map(([name, v]) => [name, float32(v.shape, v.dataSync<'float32'>())] as const);
  await writeCheckpoint(join(folder, 'run', 'checkpoints', 'best'), new Map(weights), { config, phase: 'a', step: 12 });
  checkpoint = join(folder, 'run', 'checkpoints', 'best.safetensors');
}, 60_000);
afterAll(async () => {
  model.dispose();
  await rm(folder, { recursive: true, force: true });
});

function evaluate(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['pipeline/evaluate.js', ...args], {
    cwd: projectFolder,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}
const on = (...more: string[]) => evaluate('--checkpoint', checkpoint, '--data-root', data, ...more);
type Row = Record<string, string>;
const table = async (file: string): Promise<Row[]> => parse(await readFile(file, 'utf8'), { columns: true });

describe('evaluate', () => {
  it('scores every video of the split as its clips one by one, and writes CSV, JSON and a page', async () => {
    const ended = on('--full-report');
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/12 videos of the split "test" .*4 clips each/);
    expect(ended.stderr).toMatch(/video 12\/12 \| .* \| 2 not scored/);

    const out = join(folder, 'run', 'evaluation-test');
    expect((await readdir(out)).sort()).toEqual(['evaluation.csv', 'evaluation.html', 'evaluation.json']);
    const rows = await table(join(out, 'evaluation.csv'));
    expect(Object.keys(rows[0]!)).toEqual(
      'id label method pair_group score score_1_clip hll_ratio hll_energy clips sharpness note'.split(' '),
    );
    expect(rows.map(({ id, label, method, pair_group }) => [id, label, method, pair_group])).toEqual([
      ...videos.map(({ id, label, method, group }) => [id, String(label), method, group]),
      ['short', '1', 'swap', 'g9'],
      ['gone', '0', '', 'g9'],
    ]);
    for (const row of rows.slice(0, videos.length)) {
      const source = { crops: join(data, `${row.id}_crops.npz`), landmarks: join(data, `${row.id}_landmarks.npz`) };
      const cut = await cutStoredClips(await readClip({ id: row.id!, ...source }), clipOptions);
      expect([cut.even, cut.middle]).toEqual([4, 4]);
      const size = cut.bytes.length / 5;
      const scores = [0, 1, 2, 3, 4].map((k) => predict(model, config, cut.bytes.slice(k * size, (k + 1) * size), 1));
      const mean = (name: 'probability' | 'hllRatio' | 'hllEnergy') =>
        scores.slice(0, 4).reduce((sum, score) => sum + score[name][0]!, 0) / 4;
      expect(Number(row.score)).toBeCloseTo(mean('probability'), 5);
      expect(Number(row.score_1_clip)).toBeCloseTo(scores[4]!.probability[0]!, 5);
      expect(Number(row.hll_ratio)).toBeCloseTo(mean('hllRatio'), 5);
      expect(Number(row.hll_energy)).toBeCloseTo(mean('hllEnergy'), 5);
      expect([row.clips, row.note]).toEqual(['4', '']);
      expect(Number(row.sharpness)).toBeCloseTo(cut.sharpness, 6);
    }
    expect(
      rows.slice(-2).map(({ score, score_1_clip, hll_ratio, clips }) => [score, score_1_clip, hll_ratio, clips]),
    ).toEqual([
      ['0.5', '0.5', '', '0'],
      ['0.5', '0.5', '', '0'],
    ]);
    expect(rows.slice(-2).map(({ sharpness }) => sharpness)).toEqual(['', '']);
    expect(rows.at(-2)!.note).toMatch(/^not scored: select_frames: expected .* contiguous frames/);
    expect(rows.at(-1)!.note).toMatch(/^not scored: read: .*does not exist$/);

    const result = JSON.parse(await readFile(join(out, 'evaluation.json'), 'utf8'));
    const [labels, scores] = [rows.map(({ label }) => Number(label)), rows.map(({ score }) => Number(score))];
    expect(result.pooled.all.auc.value).toBeCloseTo(rocAuc(labels, scores), 12);
    expect(result).toMatchObject({
      format: 'stf-mamba-evaluation',
      checkpoint: { file: checkpoint, phase: 'a', step: 12 },
      clips: { per_video: 4, img_size },
      videos: { total: 12, real: 5, fake: 7, identities: 5, failed: 2 },
      bootstrap: { level: 0.95, seed: 0, unit: 'identity and pair_group, else id' },
      methods: [{ method: HOSTILE }, { method: 'swap' }],
      pooled: { all: { reals: 5, fakes: 7, f1: {}, confusion: { true_positives: expect.any(Number) } } },
      paired: { pairs: 6, groups: 4 },
      mean_method_auc: expect.any(Number),
      cues: [{ cue: 'softness', reals: 4, fakes: 6, auc: { value: expect.any(Number) }, paired: { pairs: 6 } }],
      failed: [{ clip: 'short' }, { clip: 'gone' }],
    });
    expect(ended.stdout).toContain(result.pooled.all.auc.value.toFixed(3));
    expect(ended.stdout).toMatch(/without a detector: taken for the fake\n.*\nthe softer crop +\d\.\d{3}/);
    expect(ended.stdout).toMatch(/one clip a video, from its middle/);
    expect(ended.stdout).toMatch(/2 videos could not be scored and count as 0\.5:\n {2}short: select_frames/);
    expect(ended.stdout).toMatch(/The plan's advice for this AUC: /);

    const page = await readFile(join(out, 'evaluation.html'), 'utf8');
    expect(page).not.toMatch(/<script|<img|https?:\/\//);
    const tree = readMarkup(page);
    expect(elements(tree, 'section').map(({ attributes }) => attributes.id)).toEqual(
      'figures ranking pairs cues hll failed meaning'.split(' '),
    );
    expect(textOf(tree)).toContain(result.pooled.all.auc.value.toFixed(3));
    expect(textOf(tree)).toContain(HOSTILE);
    expect(textOf(elements(tree, 'section')[5]!)).toMatch(/shortselect_framesexpected/);
  }, 60_000);

  it.skipIf(!existsSync('/dev/full'))('says that its table could not be printed, with all files written', async () => {
    const out = join(folder, 'unprinted');
    const full = openSync('/dev/full', 'w');
    const args = ['--checkpoint', checkpoint, '--data-root', data, '--methods', 'swap', '--clips', '1', '--out', out];
    const { status, stderr } = spawnSync(process.execPath, ['pipeline/evaluate.js', ...args], {
      ...{ cwd: projectFolder, encoding: 'utf8' },
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect(stderr).toContain('error: cannot write to standard output: ENOSPC');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(2);
    expect((await readdir(out)).sort()).toEqual(['evaluation.csv', 'evaluation.html', 'evaluation.json']);
    expect(JSON.parse(await readFile(join(out, 'evaluation.json'), 'utf8'))).toMatchObject({ videos: { fake: 5 } });
  });

  it('is the same for another number of workers and another batch, but for rounding; --methods keeps the reals', async () => {
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    expect(on('--out', a, '--methods', 'swap', '--workers', '2', '--batch', '16').code).toBe(0);
    const printed = on('--out', b, '--methods', 'swap', '--workers', '1', '--batch', '1', '--json');
    expect(printed.code).toBe(0);
    expect(printed.stdout).toBe(await readFile(join(b, 'evaluation.json'), 'utf8'));
    expect(JSON.parse(printed.stdout)).toMatchObject({ videos: { real: 5, fake: 5 }, data: { methods: ['swap'] } });
    const [first, second] = [await table(join(a, 'evaluation.csv')), await table(join(b, 'evaluation.csv'))];
    expect(first.map(({ id }) => id)).toEqual(second.map(({ id }) => id));
    first.forEach(({ score }, i) => {
      expect(Number(score)).toBeCloseTo(Number(second[i]!.score), 5);
    });
  }, 60_000);

  it("finds FaceForensics++'s fakes by their names where splits are official", async () => {
    const root = join(folder, 'official');
    for (const id of ['071', '054', 'Deepfakes_071_054', 'FaceSwap_054_071'])
      await writeClip(root, syntheticClip({ id, frames: num_frames, size: 80 }));
    await mkdir(join(root, 'splits'));
    await writeFile(join(root, 'splits', 'train.json'), '[["001","002"]]');
    await writeFile(join(root, 'splits', 'test.json'), '[["071","054"]]');
    const ended = evaluate(
      '--checkpoint',
      checkpoint,
      '--data-root',
      root,
      '--json',
      '--out',
      join(folder, 'official-out'),
    );
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      methods: [{ method: 'Deepfakes' }, { method: 'FaceSwap' }],
      paired: { pairs: 2 },
    });
  }, 60_000);

  it('says what is wrong in one message, exit 2, and writes nothing', async () => {
    const other = join(folder, 'other');
    await writeClip(other, syntheticClip({ id: 'r', frames: num_frames - 1, size: 80 }));
    await writeClip(other, syntheticClip({ id: 'f', frames: num_frames - 1, size: 80 }));
    const out = join(folder, 'refused');
    const refused = async (manifest: string, args: string[], message: RegExp) => {
      await writeFile(join(other, 'manifest.csv'), manifest);
      const ended = evaluate('--data-root', other, '--out', out, '--checkpoint', checkpoint, ...args);
      expect(ended.stderr).toMatch(message);
      expect(ended.stderr).not.toMatch(/\n\s+at /);
      expect([ended.code, ended.stdout]).toEqual([2, '']);
    };
    const both = 'id,split,label,method\nr,test,0,\nf,test,1,swap\n';
    await refused(
      both,
      ['--checkpoint', join(folder, 'none.safetensors')],
      /cannot read checkpoint .*none\.safetensors/,
    );
    await refused('id,split,label\nr,test,0\n', [], /1 real videos and no fakes/);
    await refused(both, ['--methods', 'swap,face2face'], /--methods: expected some of swap .* received face2face/);
    await refused('id,split,label\nr,test,0\nr,test,1\n', [], /row 2: clip "r" stands in row 1 already/);
    await refused(both, ['--split', 'val'], /the split "val" is empty/);
    await refused(both, ['--split', 'all'], /'all' is invalid.*train, val, test/);
    await refused(both, [], /none of the 1 real videos .* could be scored; the first: r: select_frames: expected/);
    expect(await readdir(out)).toEqual([]);
  }, 120_000);

  it('says in one message, exit 2, that a result cannot be written', async () => {
    const out = join(folder, 'unwritable');
    await mkdir(join(out, 'evaluation.csv'), { recursive: true }); // as a full disk, it stands in the way only at the end
    const ended = on('--out', out, '--methods', 'swap');
    expect(ended.stderr).toMatch(/\nerror: cannot write .*unwritable\/evaluation\.csv: \S.*\n$/);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(await readdir(out)).toEqual(['evaluation.csv']);
  }, 60_000);

  it('stops at a signal with its exit code, and writes nothing', async () => {
    const root = join(folder, 'many');
    await mkdir(root);
    const ids = Array.from({ length: 300 }, (_, i) => `v${i}`);
    for (const id of ids)
      for (const kind of ['crops', 'landmarks'])
        await symlink(join(data, `p0_${kind}.npz`), join(root, `${id}_${kind}.npz`));
    await writeFile(
      join(root, 'manifest.csv'),
      `id,split,label\n${ids.map((id, i) => `${id},test,${i % 2}`).join('\n')}\n`,
    );
    const out = join(folder, 'stopped');
    const args = ['--checkpoint', checkpoint, '--data-root', root, '--out', out];
    const child = spawn(process.execPath, ['pipeline/evaluate.js', ...args], { cwd: projectFolder });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (!text.includes('video 1/') && `${text}${chunk}`.includes('video 1/')) child.kill('SIGTERM');
      text += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
    expect(text).toMatch(/stopped after \d+ of 300 videos; nothing was written/);
    expect(code).toBe(143);
    expect(await readdir(out)).toEqual([]);
  }, 60_000);

  it('has help with an example, also as `stf-mamba evaluate`', () => {
    const { status, stdout } = spawnSync(process.execPath, ['pipeline/cli.js', 'evaluate', '--help'], {
      cwd: projectFolder,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining('Example:\n  node pipeline/evaluate.js')]);
  });
});
