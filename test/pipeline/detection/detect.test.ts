import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFaceModels } from '../../../pipeline/preprocessing/installFaceModels.js';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import { loadNodeAv } from '../../../workers/codec/nodeAvLibrary.js';
import { elements, readMarkup, textOf } from '../report/markupTree.js';
import { CALIBRATION, writeTinyCheckpoint } from './tinyCheckpoint.js';

/* The command as a user calls it, with an untrained network: on made videos, and on footage outside of the repository. */

const footage = [process.env.STF_FACES, join(projectFolder, '../shared/faces')].find(
  (path) => path && existsSync(path),
);
const noModels = await (async () => {
  try {
    await loadFaceModels();
    await loadNodeAv();
    execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
})();
const noFootage = noModels ?? (footage ? undefined : 'needs the face footage beside the project');
const skipped = (reason: string | undefined) => (reason ? ` (skipped: ${reason})` : '');

const folder = mkdtempSync(join(tmpdir(), 'stf-detect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let checkpoint: string;
beforeAll(async () => {
  checkpoint = await writeTinyCheckpoint(folder, 'best', { calibration: CALIBRATION });
});

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(projectFolder, `pipeline/${command}.js`), ...args],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } },
  );
  expect(stderr).not.toMatch(/\n\s+at /);
  return { code: status, stdout, stderr };
}
const detect = (...args: string[]) => run('detect', [...args, '--checkpoint', checkpoint]);
const json = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
const table = (file: string): Record<string, string>[] =>
  parse(readFileSync(join(folder, file), 'utf8'), { columns: true });
function video(name: string, ...options: string[]): string {
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...options, join(folder, name)]);
  return name;
}
const pattern = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25'];

describe('detect, before any video', () => {
  it('has help with an example, also as `stf-mamba detect`', () => {
    const { code, stdout } = run('cli', ['detect', '--help']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Examples:\n  node pipeline/detect.js talk.mp4')]);
  });

  it('says in one message what is wrong, exit 2, and leaves nothing behind', () => {
    const refused = (message: RegExp, args: string[], env?: NodeJS.ProcessEnv) => {
      const before = readdirSync(folder);
      const { code, stdout, stderr } = run('detect', args, env);
      expect(stderr).toMatch(message);
      expect([code, stdout]).toEqual([2, '']);
      expect(readdirSync(folder)).toEqual(before);
    };
    writeFileSync(join(folder, 'notes.txt'), 'no video');
    const given = ['--checkpoint', checkpoint];
    refused(/required option '--checkpoint/, ['a.mp4']);
    refused(/missing required argument 'videos'/, given);
    refused(/^error: absent\.mp4: no such file or folder\n$/, ['absent.mp4', ...given]);
    refused(/expected a number between 0 and 1/, ['notes.txt', ...given, '--threshold', '1.5']);
    refused(/^error: no face models in .*npm run setup -- --faces/, ['notes.txt', ...given], {
      STF_CACHE: join(folder, 'no-cache'),
    });
    refused(/--out: cannot write to /, ['notes.txt', ...given, '--out', 'notes.txt']);
  }, 180_000);
});

describe.skipIf(noModels)(`detect without a face${skipped(noModels)}`, { timeout: 180_000 }, () => {
  it('says that no face was found, exit 0, and no more', () => {
    video('pattern.mp4', ...pattern, '-t', '1');
    const { code, stdout } = detect('pattern.mp4');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^pattern\.mp4: no face found: no run of frames with a face at \d+ places tried: no face/);
    expect(readdirSync(join(folder, 'pattern-verdict')).sort()).toEqual(['verdict.html', 'verdict.json']);
    expect(json('pattern-verdict/verdict.json')).toMatchObject({ status: 'no face', verdict: null, faces: [] });
    const page = readFileSync(join(folder, 'pattern-verdict/verdict.html'), 'utf8');
    expect(textOf(readMarkup(page))).toContain(
      'this says neither that the video is genuine nor that it is manipulated',
    );
  });

  it('refuses what is no video, and goes on in a batch, where each has a row with its reason', () => {
    const batch = join(folder, 'batch');
    mkdirSync(batch);
    writeFileSync(join(batch, 'empty.mp4'), '');
    writeFileSync(join(batch, 'text.mp4'), 'no video');
    video('batch/sound.mp4', '-f', 'lavfi', '-i', 'sine', '-t', '1');
    video('batch/short.mp4', ...pattern, '-frames:v', '3');
    video('batch/still.gif', ...pattern, '-frames:v', '1');
    video(`batch/=1+1 <b>"x',.mkv`, ...pattern, '-t', '0.5');
    const alone = detect('batch/text.mp4');
    expect(alone).toMatchObject({ code: 2, stdout: '' });
    expect(alone.stderr).toMatch(/error: batch\/text\.mp4: cannot be opened .*\n$/);
    expect(existsSync(join(folder, 'text-verdict'))).toBe(false);
    expect(run('detect', ['batch/text.mp4', '--checkpoint', 'batch/text.mp4'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/batch\/text\.mp4.*safetensors/),
    });

    const { code, stderr } = detect('batch', '--out', 'judged');
    expect(code).toBe(3);
    expect(stderr).toContain('5 of 6 videos could not be judged');
    const rows = table('judged/verdicts.csv');
    expect(Object.keys(rows[0]!)).toEqual('file face probability low high clips verdict note'.split(' '));
    const noteOf = (name: string) => rows.find(({ file }) => file === join(batch, name))!;
    expect(noteOf(`=1+1 <b>"x',.mkv`)).toMatchObject({ verdict: 'no face found', clips: '0', probability: '' });
    expect(noteOf('empty.mp4')).toMatchObject({ verdict: 'not judged', note: 'the file is empty (0 bytes)' });
    expect(noteOf('text.mp4').note).toMatch(/cannot be opened/);
    expect(noteOf('sound.mp4').note).toMatch(/holds no video, only sound/);
    expect(noteOf('short.mp4').note).toBe('expected at least 4 frames but the video has 3');
    expect(noteOf('still.gif').note).toBe('holds a single picture; expected a video');
    expect(readdirSync(join(folder, 'judged/videos'))).toHaveLength(12);
    const index = readMarkup(readFileSync(join(folder, 'judged/index.html'), 'utf8'));
    expect(textOf(index)).toContain(`=1+1 <b>"x',.mkv`);
    for (const { attributes } of elements(index, 'a').filter(({ attributes: { href } }) => href?.startsWith('videos/')))
      expect(existsSync(join(folder, 'judged', decodeURIComponent(attributes.href!)))).toBe(true);

    const none = detect('batch/empty.mp4', 'batch/text.mp4', '--out', 'none');
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/error: none of 2 videos could be judged; the first: .*empty\.mp4/);
    expect(table('none/verdicts.csv')).toHaveLength(2);
  });
});

describe.skipIf(noFootage)(`detect with faces${skipped(noFootage)}`, { timeout: 180_000 }, () => {
  const HOSTILE = `<img src=x onerror=alert(1)> & "'.mp4`;
  const clip = (name: string) => join(footage!, 'real', name);

  it('judges as evaluate scores the preprocessed video, with times, pictures and a page', () => {
    copyFileSync(clip('lp_d10.mp4'), join(folder, HOSTILE));
    copyFileSync(clip('hdtf_aoc.mp4'), join(folder, 'other.mp4')); // a class of its own for evaluate
    const { code, stdout, stderr } = detect(HOSTILE, '--clips', '5', '--out', 'verdict');
    expect(code).toBe(0);
    expect(stderr).not.toContain('not calibrated');
    const result = json('verdict/verdict.json');
    expect(result).toMatchObject({
      format: 'stf-mamba-verdict',
      file: join(folder, HOSTILE),
      status: 'judged',
      verdict: expect.stringMatching(/^(likely manipulated|no sign found|undecided)$/),
      judge: {
        checkpoint: { file: checkpoint, phase: 'a', step: 12, calibration: { temperature: 0.8, auc: 0.87 } },
        clips: { wanted: 5, segments: 1, frames_per_segment: 4, img_size: 64 },
        threshold: 0.5,
      },
    });
    expect(result.judge.checkpoint.sha256).toBe(
      execFileSync('sha256sum', [checkpoint], { encoding: 'utf8' }).split(' ')[0],
    );
    const [face] = result.faces;
    expect(face.clips).toHaveLength(5);
    const times = face.clips.flatMap(({ from, to }: { from: number; to: number }) => [from, to]);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual(result.video.seconds + 1e-9);
    for (const { probability, score } of face.clips) {
      // Temperature 0.8, by hand.
      expect(probability).toBeCloseTo(1 / (1 + ((1 - score) / score) ** (1 / 0.8)), 9);
      expect(face.interval.low).toBeLessThanOrEqual(face.interval.high);
    }
    expect(stdout).toContain(result.verdict);
    expect(stdout).toMatch(/calibrated on 32 validation pairs \(AUC 0\.870\), not on real deepfakes; no proof\n$/);

    // The same runs, by preprocess and evaluate.
    writeFileSync(
      join(folder, 'videos.csv'),
      `file,id,split,label\n"${HOSTILE.replaceAll('"', '""')}",a,test,0\nother.mp4,b,test,1\n`,
    );
    const cut = run('preprocess', ['videos.csv', '--out', 'data', '--runs', '5', '--frames', '4']);
    expect(cut.code).toBe(0);
    const scored = run('evaluate', [
      '--checkpoint',
      checkpoint,
      '--data-root',
      'data',
      '--clips',
      '5',
      '--out',
      'scores',
    ]);
    expect(scored.code).toBe(0);
    const [row] = table('scores/evaluation.csv');
    expect(row).toMatchObject({ id: 'a', clips: '5' });
    expect(face.score).toBeCloseTo(Number(row!.score), 6);

    const page = readFileSync(join(folder, 'verdict/verdict.html'), 'utf8');
    expect(page).not.toMatch(/<script|https?:\/\//);
    const tree = readMarkup(page);
    expect(textOf(tree)).toContain(HOSTILE);
    const pictures = elements(tree, 'img');
    expect(pictures).toHaveLength(3 * result.faces.filter(({ clips }: typeof face) => clips.length >= 3).length);
    expect(pictures[0]!.attributes.alt).toMatch(/^4 frames of face 1, [\d.]+–[\d.]+ s, 0\.\d\d$/);
    expect(textOf(elements(tree, 'section').at(-1)!)).toContain(result.judge.checkpoint.sha256);
    expect(textOf(elements(tree, 'section').at(-2)!)).toContain('not calibrated on real deepfakes');
  });

  it('prints JSON; says what --main-face, one clip and an old checkpoint leave unsaid', async () => {
    const old = await writeTinyCheckpoint(folder, 'old');
    const args = ['other.mp4', '--clips', '1', '--main-face', '--json', '--checkpoint', old];
    const { code, stdout, stderr } = run('detect', args);
    expect([code, stderr]).toEqual([0, expect.stringContaining('is not calibrated')]);
    expect(stdout).toBe(readFileSync(join(folder, 'other-verdict/verdict.json'), 'utf8'));
    const { verdict, faces, judge } = JSON.parse(stdout);
    expect([verdict, judge.checkpoint.calibration, faces.length]).toEqual(['undecided', null, 1]);
    expect(faces[0]).toMatchObject({ verdict: null, interval: null, note: expect.stringMatching(/^one clip only/) });
    expect(faces[0].probability).toBe(faces[0].score);
  });

  it('stops at a signal with its exit code and keeps what was judged', async () => {
    const many = join(folder, 'many');
    mkdirSync(many);
    for (let i = 0; i < 40; i++) copyFileSync(clip('hdtf_aoc.mp4'), join(many, `v${i}.mp4`));
    const args = ['many', '--checkpoint', checkpoint, '--out', 'stopped', '--workers', '1', '--clips', '2'];
    const child = spawn(process.execPath, [join(projectFolder, 'pipeline/detect.js'), ...args], { cwd: folder });
    let [printed, logged] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      if (printed === '') child.kill('SIGINT');
      printed += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      logged += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', (status, signal) => resolve(signal ?? status)));
    expect(code).toBe(130);
    expect(logged).toMatch(/stopped after \d+ of 40 videos; those are in /);
    const judged = new Set(table('stopped/verdicts.csv').map(({ file }) => file)).size;
    expect(judged).toBeGreaterThan(0);
    expect(judged).toBeLessThan(40);
    expect(readdirSync(join(folder, 'stopped/videos'))).toHaveLength(2 * judged);
  });
});
