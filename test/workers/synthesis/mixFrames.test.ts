import { describe, expect, it } from 'vitest';
import { type ClipPair, type ClipSource, SampleError, type SynthesisTask } from '../../../workers/index.js';
import { mixFrames } from '../../../workers/synthesis/mixFrames.js';

const sourceOf = (id: string): ClipSource => ({ id, crops: `${id}_crops.npz`, landmarks: `${id}_landmarks.npz` });
const taskOf = (frames: number, ...companions: string[]) => ({
  source: sourceOf('1'),
  key: { seed: 1, epoch: 2, position: 3 },
  recipe: { stages: [] },
  mix: { frames, companions: companions.map(sourceOf) },
});
/** One frame of 1 x 2 pixels: ten times the clip's name in the real member, one more in the fake. */
const pairOf = (task: SynthesisTask, frames = 1): ClipPair => {
  const value = 10 * Number(task.source.id);
  const bytes = new Uint8Array(frames * 12).fill(value, 0, frames * 6).fill(value + 1, frames * 6);
  return { id: task.source.id, shape: [frames, 1, 2, 3], bytes, stageMs: { read: 2 }, counters: { jpeg: 1 } };
};
const frame = (value: number) => new Array<number>(6).fill(value);

describe('mixed frames', () => {
  it('are of the own clip and of its companions in turn, real members first', async () => {
    const asked: SynthesisTask[] = [];
    const made = await mixFrames(taskOf(3, '2', '3', '4'), async (task) => {
      asked.push(task);
      return pairOf(task);
    });
    expect(made).toEqual({
      ...{ id: '1', shape: [3, 1, 2, 3], stageMs: { read: 6 }, counters: { jpeg: 3 } },
      bytes: Uint8Array.from([10, 20, 30, 11, 21, 31].flatMap(frame)),
    });
    const { mix: _, ...own } = taskOf(3);
    expect(asked).toEqual(['1', '2', '3'].map((id) => ({ ...own, source: sourceOf(id) })));
  });

  it('pass over companions that cannot be used, and say what lacks when too few are left', async () => {
    const broken = async (task: SynthesisTask) => {
      if (task.source.id === '2' || task.source.id === '4') throw new SampleError(task.source.id, 'read', 'is broken');
      return pairOf(task);
    };
    const made = await mixFrames(taskOf(3, '2', '3', '4', '5'), broken);
    expect(made.bytes).toEqual(Uint8Array.from([10, 30, 50, 11, 31, 51].flatMap(frame)));
    expect(made.counters).toEqual({ jpeg: 3, passed_over: 2 });
    await expect(mixFrames(taskOf(3, '2', '3', '4'), broken)).rejects.toMatchObject({
      ...{ clip: '1', stage: 'mix_frames', retryable: false },
      reason: 'expected 3 clips for a frame each but only 2 of 4 could be used',
    });
  });

  it.each([
    ['of the own clip', '1', new SampleError('1', 'read', 'is broken')],
    ['of a worker in trouble', '2', new SampleError('2', 'h264', 'the encoder hung', { retryable: true })],
    ['of the recipe', '2', new RangeError('no such stage')],
  ])('fail with the error %s', async (_, id, error) => {
    const failing = async (task: SynthesisTask) => {
      if (task.source.id === id) throw error;
      return pairOf(task);
    };
    await expect(mixFrames(taskOf(2, '2', '3'), failing)).rejects.toBe(error);
  });

  it('need a recipe for one frame', async () => {
    await expect(mixFrames(taskOf(2, '2'), async (task) => pairOf(task, 2))).rejects.toThrow(
      /for one frame but it makes 2/,
    );
  });
});
