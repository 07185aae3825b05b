import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import type { VerificationReport } from '../../../pipeline/verification/verificationReport.js';
import { syntheticClip, writeClip } from '../../workers/syntheticClip.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verify-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The command as a researcher calls it. */
const verify = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const file = join(projectFolder, 'pipeline', 'verify-data.js');
    const env = { ...process.env, NO_COLOR: '1' };
    execFile(process.execPath, [file, ...args], { env, cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

/** A data root with these clips of 8 contiguous frames; returns its path. */
async function dataRoot(name: string, ids: readonly string[], manifest?: string): Promise<string> {
  const root = join(folder, name);
  for (const id of ids) await writeClip(root, syntheticClip({ id, frames: 8, size: 40 }));
  if (manifest !== undefined) await writeFile(join(root, 'manifest.csv'), `id,split,label,pair_group\n${manifest}`);
  return root;
}

describe('verify-data', () => {
  it('finds good data good, and says what it is', async () => {
    const root = await dataRoot('good', ['a', 'b'], 'a,train,0,\nb,val,0,\n');
    const { code, stdout } = await verify(root);
    expect(code).toBe(0);
    expect(stdout).toContain('2 samples, 2 usable');
    expect(stdout).toContain('2 clips of 8×40×40×3, 81 landmarks\n');
    expect(stdout).toContain('train 1 real, val 1 real, test 0 real');
    expect(stdout).toContain('all of it can be used');
    // The default sample has 4 runs of 8 frames: worth a note, and a fault where it was asked for.
    expect(stdout).toMatch(/note .*2 clips not fit for 4 runs of 8 contiguous frames/);
    const asked = await verify(root, '--config', join(projectFolder, 'configs', 'v8_a100.yaml'), '--json');
    expect(asked.code).toBe(2);
    expect(JSON.parse(asked.stdout)).toMatchObject({ usable: 0, too_short: [{ clip: 'a', runs: [8] }, { clip: 'b' }] });
    expect((await verify(root, '--config', join(projectFolder, 'configs', 'v8_debug.yaml'))).code).toBe(0);
  });

  it('names every fault at once: missing and broken files, wrong coordinates, splits', async () => {
    const ids = ['cut', 'frame', 'good', 'lonely', 'no_crops'];
    const manifest = 'good,train,0,g1\nframe,val,0,g1\nghost,test,1,\n';
    const root = await dataRoot('faults', ids, manifest);
    await rm(join(root, 'lonely_landmarks.npz'));
    await rm(join(root, 'no_crops_crops.npz'));
    await truncate(join(root, 'cut_crops.npz'), 300);
    const frame = syntheticClip({ id: 'frame', frames: 8, size: 40 });
    await writeClip(root, { ...frame, landmarks: frame.landmarks.map((value, i) => value + (i % 2 === 0 ? 500 : 90)) });

    const { code, stdout } = await verify(root, '--json', '--workers', '2');
    expect(code).toBe(2);
    const report = JSON.parse(stdout) as VerificationReport;
    expect(report).toMatchObject({
      ...{ samples: 5, usable: 1, unusable: 4, ok: false },
      missing: { crops: ['no_crops'], landmarks: ['lonely'] },
      unreadable: [{ clip: 'cut', reason: expect.stringContaining('cut_crops.npz') }],
      landmarks: { wrong_space: [{ clip: 'frame', space: 'full-frame', picture: [40, 40] }], outside: [] },
      splits: {
        without_files: [{ clip: 'ghost', split: 'test' }],
        shared: [{ kind: 'pair_group', name: 'g1', splits: ['train', 'val'], clips: ['good', 'frame'] }],
        unassigned: 2,
      },
    });
    const [left] = report.landmarks.wrong_space[0]!.face;
    expect(left).toBeGreaterThan(500);

    const text = (await verify(root)).stdout;
    expect(text).toContain('full-frame coordinates');
    expect(text).toContain('1 clip without landmarks file: lonely');
    expect(text).toContain('1 clip without crops file: no_crops');
    expect(text).toContain('pair_group "g1" stands in train and in val ("good", "frame")');
    expect(text).toContain('1 id without files: ghost (test)');
    expect(text).toContain('4 samples cannot be used, and the splits are wrong');
  });

  it('knows the fakes of listed originals by their names, and one whose source is in another split', async () => {
    const root = await dataRoot('faceforensics', [
      '001',
      '002',
      '003',
      'Deepfakes_001_002',
      'FaceSwap_003_001',
      'other',
    ]);
    await mkdir(join(root, 'splits'));
    await writeFile(join(root, 'splits', 'train.json'), '[["001","002"]]');
    await writeFile(join(root, 'splits', 'val.json'), '["003"]');
    const { code, stdout } = await verify(root, '--json');
    expect(code).toBe(2);
    expect((JSON.parse(stdout) as VerificationReport).splits).toMatchObject({
      counts: { train: { real: 2, fake: 1 }, val: { real: 1, fake: 1 }, test: { real: 0, fake: 0 } },
      shared: [{ kind: 'identity', name: '001', splits: ['train', 'val'], clips: ['001', 'FaceSwap_003_001'] }],
      unassigned: 1,
    });
  });

  it('reports a manifest that cannot be read beside the clips, and refuses what is no data root', async () => {
    const root = await dataRoot('manifest', ['a'], 'a,training,0,\n');
    const { code, stdout } = await verify(root);
    expect(code).toBe(2);
    expect(stdout).toContain('1 sample, 1 usable');
    expect(stdout).toMatch(/unusable {2}splits: .*expected split train, val or test but received "training"/);
    await copyFile(join(root, 'manifest.csv'), join(folder, 'manifest.csv'));
    const none = await verify(join(folder, 'nowhere'));
    expect(none).toMatchObject({ code: 2, stdout: '' });
    expect(none.stderr).toMatch(
      /^error: verify-data: expected a folder of face crops, but .*nowhere does not exist\n$/,
    );
    expect((await verify()).code).toBe(2);
  });
});
