import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parseManifest } from '../../../pipeline/data/splits.js';
import { loadFaceModels } from '../../../pipeline/preprocessing/installFaceModels.js';
import { RunLock } from '../../../pipeline/run/runLock.js';
import { readClip } from '../../../workers/index.js';

/* The command as a user calls it, on footage that is not part of the repository. */

const project = fileURLToPath(new URL('../../..', import.meta.url));
const footage = [process.env.STF_FACES, join(project, '../shared/faces')]
  .map((path) => path && join(path, 'real'))
  .find((path) => path && existsSync(path));
const reason = await (async () => {
  if (!footage) return 'needs the face footage beside the project';
  try {
    await loadFaceModels();
    execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
})();

const folder = mkdtempSync(join(tmpdir(), 'stf-preprocess-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const preprocess = (...args: string[]) => {
  const { status, stderr } = spawnSync(process.execPath, [join(project, 'pipeline/preprocess.js'), ...args], {
    encoding: 'utf8',
  });
  return { status, stderr };
};
const clipOf = (out: string, id: string) =>
  readClip({ id, crops: join(out, `${id}_crops.npz`), landmarks: join(out, `${id}_landmarks.npz`) });

describe('the folder that preprocess writes to', { timeout: 60_000 }, () => {
  const video = join(folder, 'none.mp4');
  const into = (out: string) => preprocess(video, '--out', out);

  it('is for one call at a time, and nothing of another is written', async () => {
    writeFileSync(video, '');
    const out = join(folder, 'taken');
    mkdirSync(out);
    const lock = await RunLock.take(out);
    expect(into(out)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        new RegExp(`^error: ${out} is in use by another run \\(process ${process.pid} on .*give another --out\\n$`),
      ),
    });
    expect(readdirSync(out)).toEqual(['run.lock']);
    await lock.release();
    expect(into(out).stderr).not.toContain('in use');
    expect(existsSync(join(out, 'run.lock'))).toBe(false);
  });

  it('has to be one', () => {
    writeFileSync(video, '');
    expect(into(video)).toMatchObject({ status: 2, stderr: expect.stringMatching(/^error: --out: cannot write to /) });
  });
});

describe.skipIf(reason)(`preprocess${reason ? ` (skipped: ${reason})` : ''}`, { timeout: 60_000 }, () => {
  const clip = (name: string) => join(footage!, name);

  it('cuts runs that never span a cut between scenes, and goes on where it was broken off', async () => {
    const out = join(folder, 'out');
    const video = join(folder, 'cuts.mp4');
    const part = (i: number, end: number) =>
      `[${i}:v]fps=25,trim=end_frame=${end},scale=480:360,setsar=1,setpts=PTS-STARTPTS[v${i}]`;
    const graph = `${part(0, 30)};${part(1, 40)};[v0][v1]concat=n=2:v=1[v]`;
    const inputs = ['-i', clip('lp_d10.mp4'), '-i', clip('hdtf_aoc.mp4')];
    const options = ['-filter_complex', graph, '-map', '[v]', '-c:v', 'libx264', '-sc_threshold', '0', video];
    execFileSync('ffmpeg', ['-nostdin', '-v', 'error', ...inputs, ...options]);
    const empty = join(folder, 'empty.mp4');
    writeFileSync(empty, '');
    const args = [video, empty, '--out', out, '--frames', '12', '--size', '96', '--workers', '1', '--max-failed', '1'];
    const first = preprocess(...args);
    expect(first).toMatchObject({ status: 0 });
    expect(first.stderr).toContain('the file is empty (0 bytes)');
    const { frameNumbers, landmarks, width, points, frames } = await clipOf(out, 'cuts');
    expect([width, points]).toEqual([96, 81]);
    expect(frames).toBeGreaterThanOrEqual(36);
    for (let run = 0; run < frames; run += 12) {
      const numbers = [...frameNumbers!.slice(run, run + 12)];
      // Were there no frame between two runs, a window could reach from one square into the next.
      if (run > 0) expect(numbers[0]).toBeGreaterThan(frameNumbers![run - 1]! + 1);
      expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
      expect(numbers[0]! >= 30 || numbers.at(-1)! < 30).toBe(true);
    }
    // Eyes above the mouth, the face in the picture.
    for (let f = 0; f < frames; f++) {
      const y = (p: number) => landmarks[2 * (f * points + p) + 1]!;
      expect(y(66)).toBeGreaterThan(y(39) + 8);
      expect(y(8)).toBeLessThan(96);
      expect(y(68 + 6)).toBeLessThan(y(19));
    }
    expect(
      parseManifest(readFileSync(join(out, 'manifest.csv'), 'utf8'), 'manifest.csv').train.map(({ id }) => id),
    ).toEqual(['cuts']);
    expect(existsSync(join(out, 'contact-sheet.png'))).toBe(true);
    expect(JSON.parse(readFileSync(join(out, 'quarantine.jsonl'), 'utf8'))).toMatchObject({
      clip: 'empty',
      attempts: 1,
    });

    const written = statSync(join(out, 'cuts_crops.npz')).mtimeMs;
    const second = preprocess(...args);
    expect(second.stderr).toContain('1 of 2 videos are finished already');
    expect(statSync(join(out, 'cuts_crops.npz')).mtimeMs).toBe(written);
  });

  it('takes no video that is still being written', async () => {
    const [video, out] = [join(folder, 'growing.mp4'), join(folder, 'growing')];
    copyFileSync(clip('lp_d10.mp4'), video);
    const program = `require('node:fs').appendFileSync(${JSON.stringify(video)}, 'more')`;
    const writer = spawn(process.execPath, ['-e', `setInterval(() => ${program}, 20)`]);
    try {
      const { status, stderr } = preprocess(video, '--out', out, '--workers', '1', '--max-failed', '1');
      expect(stderr).toMatch(/growing\.mp4: the file is still being written \(\d+ bytes at first, \d+ now\)/);
      expect(stderr).not.toContain('contact-sheet');
      expect(status).toBe(3);
      expect(readdirSync(out).sort()).toEqual(['preprocess.jsonl', 'quarantine.jsonl']);
    } finally {
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
  });

  it('says so when there is nothing to be had', () => {
    const text = join(folder, 'text.mp4');
    writeFileSync(text, 'no video');
    const { status, stderr } = preprocess(text, '--out', join(folder, 'none'), '--max-failed', '1');
    expect(stderr).toContain('no video gave any crops');
    expect(status).toBe(3);
    expect(preprocess('absent.mp4', '--out', join(folder, 'none'))).toEqual({
      status: 2,
      stderr: 'error: absent.mp4: no such file or folder\n',
    });
  });
});
