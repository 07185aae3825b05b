import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { StepRunner } from '../../../model/engine/recording/stepRunner.js';
import { debug, phaseA } from '../../../model/index.js';
import * as scoreActor from '../../../pipeline/evaluation/scoreActor.js';
import { ClipsAtOnce } from '../../../pipeline/run/clipsAtOnce.js';
import * as trainActor from '../../../pipeline/training/trainActor.js';
import { darkerPairs, smallestNetwork } from '../../model/training/smallestNetwork.js';
import { writeTinyCheckpoint } from '../detection/tinyCheckpoint.js';

const noRoom = () => new Error('RESOURCE_EXHAUSTED: OOM when allocating tensor with shape[8,32,32,16]');

/** Ranges asked for on a machine with room for so many clips. */
function ranges(room: number, count: number, most: number, clips = new ClipsAtOnce()) {
  const [tried, done]: [number[][], number[][]] = [[], []];
  clips.each(count, most, (from, to) => {
    tried.push([from, to]);
    if (to - from > room) throw noRoom();
    done.push([from, to]);
  });
  return { tried, done };
}

describe('clips at once', () => {
  it('are as many as asked for while memory lasts', () => {
    expect(ranges(9, 7, 3).tried).toEqual([
      [0, 3],
      [3, 6],
      [6, 7],
    ]);
  });

  it('are half as many, again from the first that was not done, once it does not, and stay so', () => {
    const told: number[] = [];
    const clips = new ClipsAtOnce((most) => told.push(most));
    const { tried, done } = ranges(2, 7, 7, clips);
    expect(tried.slice(0, 3)).toEqual([
      [0, 7],
      [0, 4],
      [0, 2],
    ]);
    expect(done).toEqual([
      [0, 2],
      [2, 4],
      [4, 6],
      [6, 7],
    ]);
    expect(told).toEqual([4, 2]);
    expect(ranges(2, 4, 4, clips).tried).toEqual([
      [0, 2],
      [2, 4],
    ]);
  });

  it('fail when one is too much, and at once for any other reason', () => {
    expect(() => ranges(0, 4, 4)).toThrow('RESOURCE_EXHAUSTED');
    let calls = 0;
    const broken = () => {
      calls++;
      throw new Error('a bug');
    };
    expect(() => new ClipsAtOnce().each(4, 4, broken)).toThrow('a bug');
    expect(calls).toBe(1);
  });
});

describe('an actor whose memory holds two clips', () => {
  const folders: string[] = [];
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

  /** From now on; returns how many clips were tried at a time. */
  function cramp(): number[] {
    const tried: number[] = [];
    const { run } = StepRunner.prototype;
    vi.spyOn(StepRunner.prototype, 'run').mockImplementation(function (this: StepRunner, name, inputs, ...rest) {
      if (name === 'score') {
        tried.push(inputs[0]!.shape[0]!);
        if (inputs[0]!.shape[0]! > 2) throw noRoom();
      }
      return run.call(this, name, inputs, ...rest);
    });
    return tried;
  }

  it('of training scores them two by two, to the same scores, and says so', async () => {
    const config = { ...phaseA(), ...smallestNetwork };
    const started = await trainActor.start({ config, stepsPerEpoch: 4, totalSteps: 40 });
    expect(started).not.toHaveProperty('failed');
    const { clips } = darkerPairs(1, 3);
    const score = async () => (await trainActor.score({ clips, count: 6 })) as trainActor.ScoreReply;
    const whole = await score();
    const tried = cramp();
    const parts = await score();
    expect(tried).toEqual([6, 3, 2, 2, 2]);
    expect(parts.notes).toEqual(
      [3, 2].map((n) => `memory ran out while clips were scored: at most ${n} at once from now on`),
    );
    for (const [i, value] of whole.probability.entries()) expect(parts.probability[i]).toBeCloseTo(value, 5);
    for (const [i, value] of whole.hllRatio.entries()) expect(parts.hllRatio[i]).toBeCloseTo(value, 5);
    expect((await score()).notes).toEqual([]);
    expect(tried.slice(5)).toEqual([2, 2, 2]);
  }, 120_000);

  it('of evaluation does the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stf-cramped-'));
    folders.push(folder);
    const checkpoint = await writeTinyCheckpoint(folder, 'tiny');
    await scoreActor.load({ checkpoint, engine: 'auto' });
    const { num_frames, img_size } = debug();
    const bytes = num_frames * img_size ** 2 * 3;
    const clips = Uint8Array.from({ length: 5 * bytes }, (_, i) => (i * 31 + Math.floor(i / bytes) * 17) % 256);
    const whole = scoreActor.score({ clips, count: 5, batch: 5 });
    const tried = cramp();
    const parts = scoreActor.score({ clips, count: 5, batch: 5 });
    expect(tried).toEqual([5, 3, 2, 2, 1]);
    expect(parts).toHaveLength(5);
    for (const [i, { probability }] of whole.entries()) expect(parts[i]!.probability).toBeCloseTo(probability, 5);
  }, 120_000);
});
