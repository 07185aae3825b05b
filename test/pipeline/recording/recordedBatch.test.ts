import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeRecording, encodeRecording, type Recording } from '../../../operators/index.js';
import { batchOfRecording, draftOfBatch, recordingName } from '../../../pipeline/recording/recordedBatch.js';
import { planRecordedSteps } from '../../../pipeline/recording/recordedSteps.js';
import { parseStepRange } from '../../../pipeline/recording/stepRange.js';
import { describeDifference, statusOf, verifyBatch } from '../../../pipeline/recording/verifyBatch.js';
import type { MicroBatch } from '../../../pipeline/training/microBatch.js';
import { type ClipPair, SampleError, type SynthesisTask } from '../../../workers/index.js';

/** Two pairs of two frames of 4 × 3 pixels. */
const [FRAMES, HEIGHT, WIDTH] = [2, 3, 4];
const MEMBER = FRAMES * HEIGHT * WIDTH * 3;
const clips = Uint8Array.from({ length: 4 * MEMBER }, (_, i) => (i * 7) % 256);
const tasks: SynthesisTask[] = ['ada', 'bob'].map((id, i) => ({
  source: { id, crops: `/data/${id}_crops.npz`, landmarks: `/data/${id}_landmarks.npz` },
  key: { seed: 42, epoch: 3, position: 10 + i },
  recipe: { stages: [{ stage: 'select_frames', params: { num_segments: 1, margin: [0.5, 1], ids: ['x'] } }] },
}));
const micro: MicroBatch = {
  ...{ step: 12, micro: 1, epoch: 3, failed: 2, clips },
  shape: [4, FRAMES, HEIGHT, WIDTH, 3],
  labels: Int32Array.from([0, 1, 0, 1]),
  ids: ['ada', 'bob'],
  keys: tasks.map(({ key }) => key),
  sha256: createHash('sha256').update(clips).digest('hex'),
};
const run = {
  phase: 'a',
  config: { data: { batch_size: 4 }, training: { lr: 1e-4 } },
  steps_per_epoch: 5,
  schedule_steps: 50,
  codec: { jpeg: 'libjpeg-turbo', h264: null },
};
async function roundTrip(changed: Record<string, unknown> = {}): Promise<Recording> {
  const draft = draftOfBatch(micro, tasks, run);
  const file = Buffer.concat((await encodeRecording({ ...draft, header: { ...draft.header, ...changed } })).chunks);
  return decodeRecording({ size: file.length, read: async (at, length) => file.subarray(at, at + length) }, 'F');
}

describe('a recorded micro-batch', () => {
  it('comes back with all that it takes to make it again, its recipe stored once', async () => {
    const batch = batchOfRecording('F', await roundTrip());
    expect(batch.tasks).toEqual(tasks);
    expect({ ...batch.micro, clips: Uint8Array.from(batch.micro.clips) }).toEqual(micro);
    expect(batch.header.recipes).toHaveLength(1);
    expect(batch.header.run).toMatchObject(run);
    expect(batch.header.run.config_sha256).toMatch(/^[0-9a-f]{64}$/);
    const other: SynthesisTask = { ...tasks[1]!, recipe: { stages: [{ stage: 'flip', params: {} }] } };
    const mixed = draftOfBatch(micro, [tasks[0]!, other, tasks[0]!], run).header;
    expect([mixed.recipes, (mixed.pairs as { recipe: number }[]).map(({ recipe }) => recipe)]).toEqual([
      [tasks[0]!.recipe, other.recipe],
      [0, 1, 0],
    ]);
  });

  it('remembers the clips whose frames a mixed sample has', async () => {
    const companions = ['cyd', 'dan'].map((id) => ({ id, crops: `/c/${id}.npz`, landmarks: `/l/${id}.npz` }));
    const mixed = tasks.map((task) => ({ ...task, mix: { frames: 2, companions } }));
    const draft = draftOfBatch(micro, mixed, run);
    const file = Buffer.concat((await encodeRecording(draft)).chunks);
    const read = async (at: number, length: number) => file.subarray(at, at + length);
    expect(batchOfRecording('F', await decodeRecording({ size: file.length, read }, 'F')).tasks).toEqual(mixed);
  });

  it('remembers the clips that may give their faces', async () => {
    const donors = ['eve', 'fay'].map((id) => ({ id, crops: `/c/${id}.npz`, landmarks: `/l/${id}.npz` }));
    const exchanged = [{ ...tasks[0]!, donors }, tasks[1]!];
    const draft = draftOfBatch(micro, exchanged, run);
    const file = Buffer.concat((await encodeRecording(draft)).chunks);
    const read = async (at: number, length: number) => file.subarray(at, at + length);
    expect(batchOfRecording('F', await decodeRecording({ size: file.length, read }, 'F')).tasks).toEqual(exchanged);
  });

  it('is named so that natural and plain order agree', () => {
    expect(recordingName(12, 0)).toBe('step-000012-micro-0.msgpack');
    expect(recordingName(1_234_567, 3)).toBe('step-1234567-micro-3.msgpack');
  });

  it.each([
    ['another kind', { kind: 'photo album' }, /the header of a micro-batch but found kind: /],
    ['a missing field', { step: null }, /found step: /],
    ['a wrong shape', { shape: [4, 2, 3, 5, 3] }, /expected clips \[4,2,3,5,3\] of 360 bytes but found 288 bytes/],
    ['too few labels', { labels: [0, 1] }, /expected 4 labels but found 2/],
    ['too few pairs', { pairs: [] }, /expected 2 pairs but found 0/],
    ['recipes missing', { recipes: [] }, /expected a recipe below 0 for clip ada but found 0/],
  ])('is refused with %s', async (_, changed, message) => {
    const recording = await roundTrip(changed);
    expect(() => batchOfRecording('F', recording)).toThrow(message);
    expect(() => batchOfRecording('F', { ...recording, parts: [] })).toThrow(/^F: offset 0: expected /);
  });
});

describe('verifyBatch', () => {
  const pairOf = (i: number, change?: (bytes: Uint8Array) => void): ClipPair => {
    const bytes = clips.slice(2 * i * MEMBER, 2 * (i + 1) * MEMBER);
    change?.(bytes);
    return { id: 'x', shape: [FRAMES, HEIGHT, WIDTH, 3], bytes, stageMs: {}, counters: {} };
  };
  const at = (task: SynthesisTask) => tasks.indexOf(task);

  it('finds equal bytes equal', async () => {
    const batch = { ...batchOfRecording('F', await roundTrip()), tasks };
    const verdict = await verifyBatch(batch, async (task) => pairOf(at(task)));
    expect(verdict).toEqual({ same: 2, differences: [], failures: [] });
    expect(statusOf(verdict)).toBe('same');
  });

  it('names clip, member, frame and place of the first byte that differs', async () => {
    const batch = { ...batchOfRecording('F', await roundTrip()), tasks };
    // Second pair, fake member, frame 1, row 2, column 3, green.
    const inPair = MEMBER + 1 * HEIGHT * WIDTH * 3 + 2 * WIDTH * 3 + 3 * 3 + 1;
    const offset = 2 * MEMBER + inPair;
    const verdict = await verifyBatch(batch, async (task) =>
      pairOf(at(task), (bytes) => {
        if (task !== tasks[1]) return;
        bytes[inPair]! ^= 128;
        bytes[inPair + 1]! ^= 1;
      }),
    );
    expect(verdict.same).toBe(1);
    expect(verdict.differences).toEqual([
      {
        ...{ clip: 'bob', member: 'fake', frame: 1, row: 2, column: 3, channel: 'green', offset },
        ...{ recorded: clips[offset], rebuilt: clips[offset]! ^ 128, differing: 2, largest: 128 },
      },
    ]);
    expect(describeDifference(verdict.differences[0]!)).toContain(
      `clip bob, fake member, frame 1: first differs at row 2, column 3, green (byte ${offset})`,
    );
    expect(statusOf(verdict)).toBe('differs');
  });

  it('reports clips that cannot be made again, and hides no defect', async () => {
    const batch = { ...batchOfRecording('F', await roundTrip()), tasks };
    const verdict = await verifyBatch(batch, async (task) => {
      if (task === tasks[0]) throw new SampleError('ada', 'read', 'no such file');
      return { ...pairOf(1), bytes: new Uint8Array(6), shape: [1, 1, 1, 3] };
    });
    expect(verdict.failures).toEqual([
      { clip: 'ada', reason: 'read: no such file' },
      { clip: 'bob', reason: `expected a pair of ${2 * MEMBER} bytes, [2,2,3,4,3], but its recipe gives [2,1,1,1,3]` },
    ]);
    expect(statusOf(verdict)).toBe('failed');
    await expect(verifyBatch(batch, () => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});

describe('recorded steps', () => {
  it('are taken whole and in order; those with holes are named', () => {
    const place = (step: number, index: number) => ({ file: `${step}.${index}`, step, micro: index });
    const places = [place(9, 1), place(9, 0), place(10, 0), place(2, 0), place(2, 1), place(11, 1), place(11, 2)];
    expect(planRecordedSteps(places, 2)).toEqual({
      steps: [2, 9],
      files: ['2.0', '2.1', '9.0', '9.1'],
      incomplete: [10, 11],
    });
    expect(planRecordedSteps(places, 2, 1).steps).toEqual([2]);
    expect(planRecordedSteps(places, 1).steps).toEqual([10]);
  });

  it.each([
    ['2..5', { from: 2, to: 5 }],
    ['7', { from: 7, to: 7 }],
    ['3..', { from: 3, to: Number.POSITIVE_INFINITY }],
    ['..4', { from: 1, to: 4 }],
  ])('are asked for as %s', (text, range) => expect(parseStepRange(text)).toEqual(range));

  it.each(['', '..', '0..3', '5..2', 'a..b', '1.5', '-1..2', '1...2', '1..2..3'])('are not asked for as "%s"', (text) =>
    expect(() => parseStepRange(text)).toThrow(/expected steps as A\.\.B/),
  );
});
