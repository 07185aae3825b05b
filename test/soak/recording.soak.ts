import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Packr, Unpackr } from 'msgpackr';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  decodeRecording,
  encodeRecording,
  type Recording,
  RecordingError,
  readRecording,
} from '../../operators/index.js';
import { batchOfRecording, draftOfBatch } from '../../pipeline/recording/recordedBatch.js';
import { keyedGenerator, type Random, trainingRecipe } from '../../workers/index.js';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 5);
const SEED = Number(process.env.SOAK_SEED ?? 1);
/** Small, so that going over them shows. */
const limits = { maxBytes: 2 ** 16, maxPreambleBytes: 2 ** 14 };
const PATIENCE_MS = 5000;
/** Where the preamble's length stands, and the preamble. */
const [LENGTH_AT, PREAMBLE_AT] = [18, 22];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recording-soak-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A whole recording of two pairs of two frames of 8 × 8 pixels. */
async function wholeRecording(): Promise<Buffer> {
  const clips = Uint8Array.from({ length: 4 * 2 * 8 * 8 * 3 }, (_, i) => i % 253);
  const recipe = trainingRecipe({ img_size: 8, num_segments: 1, frames_per_segment: 2 });
  const tasks = ['ada', 'bob'].map((id, position) => ({
    source: { id, crops: `/data/${id}_crops.npz`, landmarks: `/data/${id}_landmarks.npz` },
    key: { seed: 1, epoch: 0, position },
    recipe,
  }));
  const micro = {
    ...{ step: 1, micro: 0, epoch: 0, failed: 0, clips, ids: ['ada', 'bob'], keys: tasks.map(({ key }) => key) },
    shape: [4, 2, 8, 8, 3] as const,
    labels: Int32Array.from([0, 1, 0, 1]),
    sha256: createHash('sha256').update(clips).digest('hex'),
  };
  const run = { phase: 'a', config: { data: {} }, steps_per_epoch: 1, schedule_steps: 1, codec: {} };
  return Buffer.concat((await encodeRecording(draftOfBatch(micro, tasks, run))).chunks);
}

/** Bytes as a disk, a cut transfer or a joker would leave them. */
function damaged(whole: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(whole);
  for (let hits = random.integer(1, 4); hits > 0; hits--) {
    const at = random.chance(0.5)
      ? random.integer(0, Math.min(80, bytes.length - 1))
      : random.integer(0, bytes.length - 1);
    if (random.chance(0.5)) bytes[at]! ^= 1 << random.integer(0, 7);
    else bytes[at] = random.pick([0, 0x7f, 0x80, 0xc1, 0xc6, 0xd4, 0xdd, 0xdf, 0xff]);
  }
  const kind = random.integer(0, 5);
  if (kind === 0) return bytes.subarray(0, random.integer(0, bytes.length));
  if (kind === 1) return Buffer.concat([bytes, bytes.subarray(0, random.integer(1, 200))]);
  if (kind === 2 && bytes.length > 40)
    bytes.writeUInt32BE(
      random.pick([0, 1, 2 ** 31, 2 ** 32 - 1, bytes.length, random.integer(0, 2 ** 32 - 1)]),
      LENGTH_AT,
    );
  return bytes;
}

/** The same recording with another preamble under a right digest: what only somebody who means it can make. */
function forged(whole: Buffer, random: Random): Buffer {
  const size = whole.readUInt32BE(LENGTH_AT);
  const rest = whole.subarray(PREAMBLE_AT + size + 34);
  const content = new Unpackr({ useRecords: false }).unpack(whole.subarray(PREAMBLE_AT, PREAMBLE_AT + size));
  let preamble: Buffer;
  if (random.chance(0.6)) {
    for (let hits = random.integer(1, 3); hits > 0; hits--) change(content, random);
    preamble = new Packr({ useRecords: false }).pack(content);
  } else {
    preamble = Buffer.from(whole.subarray(PREAMBLE_AT, PREAMBLE_AT + size));
    for (let hits = random.integer(1, 6); hits > 0; hits--)
      preamble[random.integer(0, size - 1)] = random.chance(0.3)
        ? random.pick([0xc1, 0xc7, 0xd4, 0x72, 0x40, 0xdd, 0xdf, 0xc6, 0xdb, 0x1b])
        : random.integer(0, 255);
    if (random.chance(0.2)) preamble = preamble.subarray(0, random.integer(0, size));
  }
  const head = Buffer.from(whole.subarray(0, PREAMBLE_AT));
  head.writeUInt32BE(preamble.length, LENGTH_AT);
  const digest = createHash('sha256').update(preamble).digest();
  return Buffer.concat([head, preamble, Buffer.from([0xc4, 32]), digest, rest]);
}

/** Replaces some value, somewhere in nested data, by something else. */
function change(value: unknown, random: Random): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  const keys = Object.keys(value);
  if (keys.length === 0) return;
  const key = random.pick(keys);
  const holder = value as Record<string, unknown>;
  const within = holder[key];
  if (random.chance(0.75) && typeof within === 'object' && within !== null && !ArrayBuffer.isView(within))
    change(within, random);
  else if (random.chance(0.1)) delete holder[key];
  else
    holder[key] = random.pick<unknown>([
      ...[
        null,
        true,
        0,
        -1,
        1.5,
        2 ** 31,
        2 ** 53,
        1e300,
        Number.NaN,
        '',
        '../../etc/passwd',
        '\u001b[2J',
        'x'.repeat(2000),
      ],
      ...[[], {}, [[[[]]]], { constructor: 1 }, new Uint8Array(32), Array.from({ length: 500 }, () => 0)],
    ]);
}

it(`survives ${MINUTES} minutes of damaged and forged recordings`, async () => {
  const whole = await wholeRecording();
  const path = join(folder, 'case.msgpack');
  const counts = { cases: 0, refused: 0, notABatch: 0, taken: 0, slowestMs: 0 };
  const reasons = new Map<string, number>();
  const refused = (error: unknown, what: string) => {
    expect(error, what).toBeInstanceOf(RecordingError);
    const { message, offset } = error as RecordingError;
    expect(message.length, what).toBeLessThan(700);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a file must not be able to write to the terminal
    expect(message, what).not.toMatch(/[\x00-\x1f\x7f]/);
    expect(offset, what).toBeGreaterThanOrEqual(0);
    const reason = message.replace(/^.*?: offset \d+: /, '').replace(/[0-9a-f]{6,}|\d+/g, '0');
    reasons.set(reason.slice(0, 60), (reasons.get(reason.slice(0, 60)) ?? 0) + 1);
  };
  const begun = performance.now();
  const rss0 = process.memoryUsage.rss();
  for (let n = 0; performance.now() - begun < MINUTES * 60_000; n++) {
    const random = keyedGenerator(SEED, 'recording soak', n);
    const bytes = random.chance(0.5) ? damaged(whole, random) : forged(whole, random);
    const what = `case ${n} of seed ${SEED}`;
    let largest = 0;
    const source = {
      size: bytes.length,
      read: async (position: number, length: number) => {
        largest = Math.max(largest, length);
        expect(position >= 0 && length >= 0 && position + length <= bytes.length, what).toBe(true);
        return Uint8Array.from(bytes.subarray(position, position + length));
      },
    };
    const at = performance.now();
    let recording: Recording | undefined;
    try {
      if (n % 16 === 0) await writeFile(path, bytes);
      recording = await (n % 16 === 0 ? readRecording(path, limits) : decodeRecording(source, 'F', limits));
    } catch (error) {
      refused(error, what);
      counts.refused++;
    }
    expect(largest, what).toBeLessThanOrEqual(Math.min(bytes.length, limits.maxBytes));
    try {
      if (recording) {
        const { micro, tasks } = batchOfRecording('F', recording);
        expect(micro.clips.length, what).toBe(micro.shape.reduce((product, length) => product * length, 1));
        expect(micro.labels.length, what).toBe(2 * tasks.length);
        for (const { source: clip } of tasks) expect(clip.id, what).not.toMatch(/\/|^\.\.?$/);
        counts.taken++;
      }
    } catch (error) {
      refused(error, what);
      counts.notABatch++;
    }
    counts.cases++;
    const took = performance.now() - at;
    expect(took, what).toBeLessThan(PATIENCE_MS);
    counts.slowestMs = Math.max(counts.slowestMs, took);
  }
  globalThis.gc?.();
  console.log(counts, { rssGrowthMb: (process.memoryUsage.rss() - rss0) / 2 ** 20 });
  console.log([...reasons].sort((a, b) => b[1] - a[1]).slice(0, 50));
});
