import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../model/index.js';
import { encodeRecording, listRecordings, readRecording } from '../../operators/index.js';
import { writeDemoData } from '../../pipeline/demo/demoData.js';
import { projectFolder } from '../../pipeline/projectFolder.js';
import { batchOfRecording } from '../../pipeline/recording/recordedBatch.js';
import { synthesisePair } from '../../workers/index.js';

/* Both commands as a researcher calls them: a run that records, and what can be done with its recordings. */

let folder: string;
let data: string;
let recorded: string;
let recording: Ended;
const STEPS = 3;
const MICROS = 2;

type Ended = { code: number | null; stdout: string; text: string };
type Row = Record<string, unknown>;

function command(name: string, args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`pipeline/${name}.js`, ...args], { cwd: projectFolder });
    const ended = { stdout: '', text: '' };
    child.stdout.on('data', (chunk) => {
      ended.stdout += chunk;
      ended.text += chunk;
    });
    child.stderr.on('data', (chunk) => {
      ended.text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...ended }));
  });
}
const small = [
  ...['--config', 'configs/v8_debug.yaml', '--workers', '1'],
  ...['batch_size=4', 'val_pairs=2', `gradient_accumulation_steps=${MICROS}`].flatMap((setting) => [
    '--set',
    `${setting.startsWith('batch') ? 'data' : 'training'}.${setting}`,
  ]),
];
const rows = async (file: string): Promise<Row[]> =>
  (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line)
    .map((line) => JSON.parse(line) as Row);
const losses = async (run: string) =>
  (await rows(join(run, 'metrics.jsonl')))
    .filter(({ kind }) => kind === undefined)
    .map(({ step, loss, ce, hll, lr, grad_norm }) => ({ step, loss, ce, hll, lr, grad_norm }));
async function weights(run: string): Promise<string> {
  const { tensors } = await readCheckpoint(join(run, 'checkpoints', 'last.safetensors'));
  const hash = createHash('sha256');
  for (const name of [...tensors.keys()].sort()) {
    const { data: values } = tensors.get(name)!;
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-replay-'));
  data = join(folder, 'data');
  recorded = join(folder, 'a', 'recorded');
  await writeDemoData(data, { people: { train: 5, val: 2, test: 0 }, size: 96, runs: 2, runLength: 4 });
  recording = await command('train', [
    ...[...small, '--data-root', data, '--out', join(folder, 'a')],
    ...['--max-steps', String(STEPS), '--record'],
  ]);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('train --record', () => {
  it('keeps every micro-batch under the digest that batches.jsonl has', async () => {
    expect(recording.text).toContain(`recorded ${STEPS * MICROS} micro-batches`);
    expect(recording.code).toBe(0);
    const files = await listRecordings(recorded);
    expect((await readdir(recorded)).sort()).toEqual(
      [1, 2, 3].flatMap((step) => [0, 1].map((micro) => `step-00000${step}-micro-${micro}.msgpack`)),
    );
    const lines = await rows(join(folder, 'a', 'batches.jsonl'));
    for (const [i, file] of files.entries()) {
      const { micro, header } = batchOfRecording(file, await readRecording(file));
      const { step, micro: index, clips, sha256 } = lines[i]!;
      expect([micro.step, micro.micro, micro.ids, micro.sha256]).toEqual([step, index, clips, sha256]);
      expect(header.shape).toEqual([4, 4, 64, 64, 3]);
      expect(header.run).toMatchObject({ phase: 'a', steps_per_epoch: 2, schedule_steps: STEPS });
    }
    const summary = JSON.parse(await readFile(join(folder, 'a', 'summary.json'), 'utf8')) as Row;
    expect(summary.recorded).toMatchObject({ folder: recorded, files: STEPS * MICROS, stopped: null });
  });

  it('records the steps asked for, up to the bound, and trains on when that is reached', async () => {
    const out = join(folder, 'bounded');
    const ended = await command('train', [
      ...[...small, '--data-root', data, '--out', out, '--max-steps', String(STEPS)],
      ...['--record', join(folder, 'elsewhere'), '--record-steps', '2..3', '--record-max-gb', '0.00045'],
    ]);
    expect(ended.text).toMatch(/warning: recording has stopped, training goes on: with step-000003-micro-0\.msgpack/);
    expect(ended.code).toBe(0);
    expect((await readdir(join(folder, 'elsewhere'))).sort()).toEqual([
      'step-000002-micro-0.msgpack',
      'step-000002-micro-1.msgpack',
    ]);
    const summary = JSON.parse(await readFile(join(out, 'summary.json'), 'utf8')) as Row;
    expect(summary).toMatchObject({ stop_reason: 'max_steps', steps: STEPS, recorded: { files: 2 } });
    expect(await weights(out)).toBe(await weights(join(folder, 'a')));
  }, 60_000);

  it.each([
    [
      'a folder of other recordings',
      () => ['--record', recorded],
      /holds 6 recordings already; expected an empty folder/,
    ],
    ['bounds of nothing', () => ['--record-steps', '1..2'], /expected --record beside them/],
    ['no disk at all', () => ['--record', '--record-max-gb', '0'], /positive number of gigabytes/],
  ])('refuses %s', async (_, args, message) => {
    const ended = await command('train', [...small, '--data-root', data, '--out', join(folder, 'refused'), ...args()]);
    expect(ended.text).toMatch(message);
    expect(ended.text).not.toMatch(/\n\s+at /);
    expect(ended.code).toBe(2);
  });
});

describe('replay', () => {
  it('makes every batch again, bit for bit, with another number of workers, and draws it', async () => {
    const sheet = join(folder, 'sheet.png');
    const ended = await command('replay', [recorded, '--verify', '--workers', '2', '--sheet', sheet]);
    expect(ended.stdout).toContain('6 of 6 recordings whole, 1.2 MB of clips; 6 made again, byte for byte');
    expect(ended.code).toBe(0);
    const { data: pixels, info } = await sharp(sheet).raw().toBuffer({ resolveWithObject: true });
    expect(info.height).toBeGreaterThan(8 * 3 * 112);
    // Somewhere on it lies the first recorded frame, drawn at 112 pixels; its mean colour tells.
    expect(new Set(pixels).size).toBeGreaterThan(100);
  }, 60_000);

  it('makes batches of mixed frames again, from elsewhere too', async () => {
    const out = join(folder, 'mixed');
    const run = await command('train', [
      ...[...small, '--data-root', data, '--out', out, '--max-steps', '1', '--record'],
      ...['--set', 'data.mixed_frames=true', '--set', 'training.hll_loss_weight=0'],
    ]);
    expect(run.code, run.text).toBe(0);
    const [first] = await listRecordings(join(out, 'recorded'));
    const { tasks, micro } = batchOfRecording(first!, await readRecording(first!));
    // Every frame is one that its own clip gives when it is asked for a single one.
    const frameBytes = 64 * 64 * 3;
    for (const [i, { mix, ...own }] of tasks.entries()) {
      const sources = [own.source, ...mix!.companions].slice(0, 4);
      expect(new Set(sources.map(({ id }) => id)).size).toBe(4);
      for (const [t, source] of sources.entries()) {
        const { bytes } = await synthesisePair({ ...own, source });
        for (const member of [0, 1])
          expect(
            Buffer.compare(
              micro.clips.subarray(((2 * i + member) * 4 + t) * frameBytes).subarray(0, frameBytes),
              bytes.subarray(member * frameBytes, (member + 1) * frameBytes),
            ),
          ).toBe(0);
      }
    }
    const moved = join(folder, 'mixed-data');
    await rename(data, moved);
    const ended = await command('replay', [join(out, 'recorded'), '--verify', '--data-root', moved]);
    await rename(moved, data);
    expect(ended.text).toContain('2 made again, byte for byte');
    expect(ended.code).toBe(0);
    const few = await command('train', [
      ...[...small, '--data-root', data, '--out', join(folder, 'few'), '--max-steps', '1'],
      ...['--set', 'data.mixed_frames=true', '--set', 'training.hll_loss_weight=0', '--set', 'data.num_frames=8'],
    ]);
    expect(few.text).toMatch(/data\.mixed_frames: expected at least 8 real clips to train on, .* but there are 5/);
    expect(few.code).toBe(2);
  }, 120_000);

  it('makes batches of exchanged faces again, from elsewhere too', async () => {
    const out = join(folder, 'exchanged');
    const run = await command('train', [
      ...[...small, '--data-root', data, '--out', out, '--max-steps', '1', '--record'],
      ...['--set', 'sbi.exchange_prob=1'],
    ]);
    expect(run.code, run.text).toBe(0);
    const moved = join(folder, 'exchanged-data');
    await rename(data, moved);
    try {
      const ended = await command('replay', [join(out, 'recorded'), '--verify', '--data-root', moved]);
      expect(ended.text).toContain('2 made again, byte for byte');
      expect(ended.code).toBe(0);
    } finally {
      await rename(moved, data);
    }
  }, 120_000);

  it('finds the faces elsewhere when told, and says which clips cannot be made again when not', async () => {
    const moved = join(folder, 'moved');
    const file = join(recorded, 'step-000002-micro-1.msgpack');
    await rename(data, moved);
    try {
      const lost = await command('replay', [file, '--verify', '--json']);
      expect(lost.code).toBe(2);
      const report = JSON.parse(lost.stdout);
      expect(report).toMatchObject({ verified: true, damaged: 0, differing: 0, failed: 1 });
      expect(report.recordings[0].verdict.failures[0].reason).toMatch(/^read: /);
      const found = await command('replay', [file, '--verify', '--json', '--data-root', moved]);
      expect(found.code).toBe(0);
      expect(JSON.parse(found.stdout).recordings).toEqual([
        expect.objectContaining({ file, status: 'same', step: 2, micro: 1, shape: [4, 4, 64, 64, 3] }),
      ]);
    } finally {
      await rename(moved, data);
    }
  }, 60_000);

  it('trains to the same losses and weights as the run did, without workers or data', async () => {
    const moved = join(folder, 'away');
    await rename(data, moved);
    try {
      const out = join(folder, 'again');
      const ended = await command('replay', [recorded, '--train', '--out', out]);
      expect(ended.text).toContain('stopped (finished) after step 3');
      expect(ended.code).toBe(0);
      expect(await losses(out)).toEqual(await losses(join(folder, 'a')));
      expect(await weights(out)).toBe(await weights(join(folder, 'a')));
      expect(await readFile(join(out, 'batches.jsonl'), 'utf8')).toBe(
        await readFile(join(folder, 'a', 'batches.jsonl'), 'utf8'),
      );
      const again = await command('replay', [recorded, '--train', '--out', out]);
      expect([again.code, again.text]).toEqual([2, expect.stringContaining('holds a run already')]);
    } finally {
      await rename(moved, data);
    }
  }, 60_000);

  it('goes on from a checkpoint', async () => {
    const first = join(folder, 'first-two');
    const two = await command('replay', [recorded, '--train', '--max-steps', '2', '--out', first]);
    expect(two.code).toBe(0);
    const rest = join(folder, 'third');
    const checkpoint = join(first, 'checkpoints', 'last.safetensors');
    const ended = await command('replay', [recorded, '--train', '--resume', checkpoint, '--out', rest]);
    expect(ended.text).toContain('1 recorded steps, 3 to 3');
    expect(await losses(rest)).toEqual((await losses(join(folder, 'a'))).slice(2));
    expect(await weights(rest)).toBe(await weights(join(folder, 'a')));
  }, 120_000);

  it('names clip, frame and byte where a recording is not what its recipe gives', async () => {
    const forged = join(folder, 'forged');
    await mkdir(forged);
    const name = 'step-000001-micro-0.msgpack';
    const { header, parts } = await readRecording(join(recorded, name));
    const bytes = Uint8Array.from(parts[0]!.bytes);
    // Second pair, real member, frame 3, row 5, column 6, blue: whole by its digests, yet not what the recipe makes.
    const offset = ((2 * 4 + 3) * 64 * 64 + 5 * 64 + 6) * 3 + 2;
    bytes[offset]! ^= 4;
    await writeFile(
      join(forged, name),
      Buffer.concat((await encodeRecording({ header, parts: [{ name: 'clips', bytes }] })).chunks),
    );
    const ended = await command('replay', [forged, '--verify']);
    const clip = (header.pairs as { clip: string }[])[1]!.clip;
    expect(ended.stdout).toContain(
      `clip ${clip}, real member, frame 3: first differs at row 5, column 6, blue (byte ${offset})`,
    );
    expect(ended.stdout).toContain('1 bytes differ, by up to 4');
    expect(ended.code).toBe(2);
  }, 60_000);

  it('names damaged files with the offset, looks at all others, and trains on none', async () => {
    const damaged = join(folder, 'damaged');
    await mkdir(damaged);
    const files = await listRecordings(recorded);
    const [cut, flipped, whole] = await Promise.all(files.slice(0, 3).map((file) => readFile(file)));
    flipped![flipped!.length - 7]! ^= 16;
    for (const [i, content] of [cut!.subarray(0, 5000), flipped!, whole!].entries())
      await writeFile(join(damaged, `step-${i}.msgpack`), content);
    const ended = await command('replay', [damaged, '--train', '--out', join(folder, 'never')]);
    expect(ended.stdout).toMatch(/damaged: .*step-0\.msgpack: offset 5000: expected \d+ more bytes/);
    expect(ended.stdout).toMatch(/damaged: .*step-1\.msgpack: offset \d+: expected part "clips" with SHA-256/);
    expect(ended.stdout).toContain('1 of 3 recordings whole');
    expect(ended.text).toContain('error: --train: expected whole recordings, see above');
    expect(ended.text).not.toMatch(/\n\s+at /);
    expect(ended.code).toBe(2);
  });

  it.each([
    ['a folder that does not exist', ['nowhere'], /nowhere: .*expected a recording or a folder of them/],
    ['options of a training that was not asked for', ['RECORDED', '--out', 'x'], /--out: expected --train beside it/],
    ['another number of frames', ['RECORDED', '--train', '--phase', 'a'], /4 frames of 64 × 64, but the configuration/],
    ['steps that were not recorded', ['RECORDED', '--train', '--steps', '90..'], /no recording in .* is of the steps/],
  ])('refuses %s with exit 2 and no stack', async (_, args, message) => {
    const ended = await command(
      'replay',
      args.map((arg) => (arg === 'RECORDED' ? recorded : arg)),
    );
    expect(ended.text).toMatch(message);
    expect(ended.text).not.toMatch(/\n\s+at /);
    expect(ended.code).toBe(2);
  });
});
