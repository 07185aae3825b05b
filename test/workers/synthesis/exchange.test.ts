import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ClipPair,
  type ClipSource,
  type Donor,
  RecipeError,
  type RecipeOptions,
  SampleError,
  type StoredClip,
  type SynthesisTask,
  synthesiseFrom,
  synthesisePair,
  trainingRecipe,
  validationRecipe,
} from '../../../workers/index.js';
import type { Clip } from '../../../workers/synthesis/clip.js';
import { exchange } from '../../../workers/synthesis/stages/exchange.js';
import { flip } from '../../../workers/synthesis/stages/flip.js';
import { mask } from '../../../workers/synthesis/stages/mask.js';
import { prepareLandmarks } from '../../../workers/synthesis/stages/prepareLandmarks.js';
import { compare } from '../reference.js';
import { syntheticClip, writeClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';
import { heldDonor, movedFace } from './heldDonor.js';

const stored = syntheticClip({ id: 'target', frames: 6, size: 104 });

/** A face of another shape, turned. */
const another = (options: Parameters<typeof syntheticClip>[0]): StoredClip =>
  movedFace(syntheticClip(options), (x, y) => [0.85 * x + 0.12 * y + 4, y - 0.1 * x + 0.001 * x * x]);

/** Black, with a white disc on one landmark of each frame. */
function marked(clip: StoredClip, point: number, places: Float64Array = clip.landmarks): StoredClip {
  const { frames, width, height, points } = clip;
  const pixels = new Uint8Array(frames * width * height * 3);
  for (let i = 0; i < frames * width * height; i++) {
    const at = (Math.floor(i / (width * height)) * points + point) * 2;
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const near = (x - places[at]!) ** 2 + (y - places[at + 1]!) ** 2 < 20;
    if (near) pixels.fill(255, 3 * i, 3 * i + 3);
  }
  return { ...clip, pixels };
}

/** Middle of what is redder than halfway, in one frame: colours are matched channel by channel. */
function brightMiddle(pixels: Uint8Array, { width, height, frameBytes }: Clip, t: number): [number, number] {
  const frame = pixels.subarray(t * frameBytes, (t + 1) * frameBytes).filter((_, i) => i % 3 === 0);
  const [least, most] = [Math.min(...frame), Math.max(...frame)];
  let [sum, sx, sy] = [0, 0, 0];
  for (let i = 0; i < width * height; i++) {
    const weight = Math.max(0, frame[i]! - (least + most) / 2);
    sum += weight;
    sx += weight * (i % width);
    sy += weight * Math.floor(i / width);
  }
  return [sx / sum, sy / sum];
}

/** How far the mark of the donor's landmark lies from the clip's own, the farthest of all frames. */
function farthestMark(clip: Clip, point: number): number {
  const away = Array.from({ length: clip.frames }, (_, t) => {
    const [x, y] = brightMiddle(clip.source!, clip, t);
    const at = (t * clip.points + point) * 2;
    return Math.hypot(x - clip.landmarks[at]!, y - clip.landmarks[at + 1]!);
  });
  return Math.max(...away);
}

const POINTS = { chin: 8, 'nose tip': 30, 'eye corner': 36, 'lip corner': 54 };

describe('exchange', () => {
  it.each([
    ['of the same size', { size: 104 }],
    ['smaller', { size: 60 }],
    ['larger, without a forehead', { size: 170, points: 68 as const }],
    ['of fewer frames', { size: 104, frames: 3 }],
  ])('carries a donor %s so that its landmarks lie on the face', async (_, options) => {
    const donor = another({ id: 'donor', frames: 9, ...options });
    for (const [name, point] of Object.entries(POINTS)) {
      const clip = clipOf(stored);
      const before = clip.target.slice();
      expect(await applyStage(exchange, clip, { prob: 1 }, 1, {}, [heldDonor(marked(donor, point))])).toEqual({
        exchanged: 1,
      });
      expect(farthestMark(clip, point), name).toBeLessThan(0.6);
      expect(Buffer.compare(clip.target, before)).toBe(0);
    }
  });

  it('does so in flipped clips, and in each of several runs with frames of its own', async () => {
    const donor = another({ id: 'donor', frames: 9, size: 90 });
    for (const point of [36, 54]) {
      const clip = clipOf(stored);
      clip.segments = 2;
      await applyStage(flip, clip, { prob: 1 });
      await applyStage(exchange, clip, { prob: 1 }, 1, {}, [heldDonor(marked(donor, point))]);
      expect(farthestMark(clip, point)).toBeLessThan(0.6);
    }
  });

  it('takes for each run the frames whose pose comes nearest to it', async () => {
    // The second half of clip and donor is turned away; there the donor is marked at the eye, before it at the chin.
    const turned = (clip: StoredClip) => movedFace(clip, (x, y, f) => [f < clip.frames / 2 ? x : 0.6 * x, y]);
    const donor = turned(another({ id: 'donor', frames: 10, size: 90 }));
    const [chin, eye] = [marked(donor, 8).pixels, marked(donor, 36).pixels];
    chin.set(eye.subarray(eye.length / 2), chin.length / 2);
    const clip = clipOf(turned(stored));
    clip.segments = 2;
    await applyStage(exchange, clip, { prob: 1 }, 1, {}, [heldDonor({ ...donor, pixels: chin })]);
    for (let t = 0; t < 6; t++) {
      const [x, y] = brightMiddle(clip.source!, clip, t);
      const at = (t * 81 + (t < 3 ? 8 : 36)) * 2;
      expect(Math.hypot(x - clip.landmarks[at]!, y - clip.landmarks[at + 1]!)).toBeLessThan(1);
    }
  });

  it('does so where landmarks coincide, as in profile', async () => {
    const profile = { ...stored, landmarks: stored.landmarks.slice() };
    for (let f = 0; f < 6; f++) profile.landmarks.copyWithin((f * 81 + 31) * 2, (f * 81 + 32) * 2, (f * 81 + 33) * 2);
    const clip = clipOf(profile);
    const donor = another({ id: 'donor', frames: 9, size: 90 });
    await applyStage(exchange, clip, { prob: 1 }, 1, {}, [heldDonor(marked(donor, 8))]);
    expect(farthestMark(clip, 8)).toBeLessThan(0.6);
  });

  it('takes the noise from the donor’s landmarks as the recipe does from the clip’s own', async () => {
    const calm = another({ id: 'donor', frames: 6, size: 104 });
    for (let f = 1; f < 6; f++) calm.landmarks.copyWithin(f * 162, 0, 162); // a still head
    const shaking = movedFace(calm, (x, y, f) => [x + (f % 2 === 0 ? 2 : -2), y]);
    const steps = async (smooth_sigma: number) => {
      const clip = clipOf(stored);
      const others = { prepare_landmarks: { ...prepareLandmarks.defaults, smooth_sigma } };
      await applyStage(exchange, clip, { prob: 1 }, 1, others, [heldDonor(marked(shaking, 30, calm.landmarks))]);
      return farthestMark(clip, 30);
    };
    expect(await steps(0)).toBeGreaterThan(1.5);
    expect(await steps(2)).toBeLessThan(0.8);
  });

  it('gives the face this face’s colours', async () => {
    const donor = another({ id: 'donor', frames: 6, size: 104 });
    const clip = clipOf(stored);
    const dark = { ...donor, pixels: donor.pixels.map((v) => v / 2) };
    await applyStage(exchange, clip, { prob: 1 }, 1, {}, [heldDonor(dark)]);
    // About the cheeks, inside the hull.
    const meanOf = (pixels: Uint8Array, channel: number) => {
      let sum = 0;
      for (let y = 45; y < 65; y++) for (let x = 40; x < 64; x++) sum += pixels[(y * 104 + x) * 3 + channel]! / 480;
      return sum;
    };
    for (const channel of [0, 1, 2]) {
      expect(Math.abs(meanOf(clip.source!, channel) - meanOf(clip.target, channel))).toBeLessThan(8);
      expect(Math.abs(meanOf(dark.pixels, channel) - meanOf(clip.target, channel))).toBeGreaterThan(30);
    }
  });

  it('changes nothing with probability 0, and asks nobody', async () => {
    const clip = clipOf(stored);
    const asked: string[] = [];
    expect(await applyStage(exchange, clip, { prob: 0 }, 1, {}, [heldDonor(stored, asked)])).toEqual({});
    expect([clip.source, asked]).toEqual([null, []]);
  });

  it('says what is missing: donors, or its place before the mask', async () => {
    await expect(applyStage(exchange, clipOf(stored), { prob: 1 })).rejects.toThrow(
      new RecipeError('exchange: Expected other clips to take a face from but received none'),
    );
    const clip = clipOf(stored);
    await applyStage(mask, clip);
    await expect(applyStage(exchange, clip, { prob: 0 })).rejects.toThrow('before mask and colour');
    const point = clipOf(movedFace(stored, () => [50, 50]));
    await expect(applyStage(exchange, point, { prob: 1 }, 1, {}, [heldDonor(stored)])).rejects.toThrow(
      'the face has no area',
    );
    const line = clipOf(movedFace(stored, (x) => [x, x]));
    await expect(applyStage(exchange, line, { prob: 1 }, 1, {}, [heldDonor(stored)])).rejects.toThrow(
      'the face has no area',
    );
  });
});

describe('the donor', () => {
  const squeezed = (id: string, share: number, options: Parameters<typeof syntheticClip>[0] = {}) =>
    movedFace(syntheticClip({ frames: 8, size: 60, ...options, id }), (x, y) => [share * x, y]);
  const broken = (id: string, part: 'landmarks' | 'clip', error: Error = new SampleError(id, 'read', 'is broken')) => ({
    ...heldDonor(squeezed(id, 1)),
    [part]: async () => {
      throw error;
    },
  });
  const apply = async (donors: Donor[], frames = 6) => {
    const clip = clipOf({ ...stored, frames, landmarks: stored.landmarks.slice(0, frames * 162) });
    return applyStage(exchange, clip, { prob: 1 }, 1, {}, donors);
  };

  it('is the one whose pose comes nearest, the first of equals; of the others only landmarks are read', async () => {
    const asked: string[] = [];
    const faces = [squeezed('far', 0.5), squeezed('near', 0.95), squeezed('twin', 0.95), squeezed('middling', 0.8)];
    expect(await apply(faces.map((face) => heldDonor(face, asked)))).toEqual({ exchanged: 1 });
    expect(asked).toEqual([...faces.map(({ id }) => `${id} landmarks`), 'near clip']);
  });

  it('is another where files cannot be read or hold no face, which is counted', async () => {
    const asked: string[] = [];
    const usable = heldDonor(squeezed('far', 0.5), asked);
    const nowhere = heldDonor(movedFace(squeezed('nowhere', 1), () => [9, 9]));
    // Of the whole video's frame: as near in pose as any.
    const elsewhere = heldDonor(movedFace(squeezed('elsewhere', 1), (x, y) => [x + 700, y + 300]));
    const spread = heldDonor(squeezed('spread', 1, { frames: 13, frameNumbers: null }));
    const donors = [broken('a', 'landmarks'), broken('b', 'clip'), nowhere, elsewhere, spread, usable];
    expect(await apply(donors)).toEqual({ exchanged: 1, donors_passed_over: 5 });
    expect(asked).toEqual(['far landmarks', 'far clip']);
    expect(await apply([heldDonor(squeezed('numberless', 1, { frames: 12, frameNumbers: null }))])).toEqual({
      exchanged: 1,
    });
  });

  it('fails the sample where none can be used, naming the last', async () => {
    const recipe = { stages: [{ stage: 'exchange', params: { prob: 1 } }] };
    const failing = [broken('a', 'landmarks'), broken('b', 'clip')];
    const error = await synthesiseFrom(stored, { seed: 1, epoch: 0, position: 0 }, recipe, undefined, failing).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(SampleError);
    expect(error).toMatchObject({
      ...{ clip: 'target', stage: 'exchange', retryable: false },
      reason: 'none of 2 other clips could be used; the last was b: read: is broken',
    });
  });

  it.each(['landmarks', 'clip'] as const)('throws on what may go better again (%s), and mistakes', async (part) => {
    for (const error of [new SampleError('a', 'read', 'hung', { retryable: true }), new TypeError('a bug')])
      await expect(apply([broken('a', part, error), heldDonor(squeezed('b', 0.9))])).rejects.toBe(error);
  });
});

describe('pairs with exchanged faces', () => {
  let folder: string;
  let sources: ClipSource[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'exchange-'));
    sources = await Promise.all([
      writeClip(folder, stored),
      writeClip(folder, another({ id: 'b', frames: 9, size: 80 })),
      writeClip(
        folder,
        movedFace(syntheticClip({ id: 'c', frames: 9, size: 120, points: 68 }), (x, y) => [0.9 * x, y]),
      ),
      writeClip(folder, another({ id: 'd', frames: 5, size: 96 })),
    ]);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const options = (sbi: RecipeOptions['sbi']): RecipeOptions => ({
    ...{ img_size: 64, num_segments: 1, frames_per_segment: 4, vfr_prob: 0.5, sbi },
  });
  const task = (position: number, exchange_prob: number, own = 0, more: RecipeOptions['sbi'] = {}): SynthesisTask => ({
    source: sources[own]!,
    key: { seed: 3, epoch: 1, position },
    recipe: trainingRecipe(options({ exchange_prob, ...more })),
    donors: sources.filter((_, i) => i !== own),
  });
  const half = ({ bytes }: ClipPair, member: 0 | 1) =>
    bytes.subarray((member * bytes.length) / 2, ((member + 1) * bytes.length) / 2);

  it('have another fake and the same real member; with probability 0 all is as without the stage', async () => {
    let exchanged = 0;
    for (let position = 0; position < 6; position++)
      for (const more of [{}, { resample_target: 2 }]) {
        const plain = await synthesisePair(task(position, 0, 0, more));
        const other = await synthesisePair(task(position, 1, 0, more));
        expect(Buffer.compare(half(other, 0), half(plain, 0))).toBe(0);
        expect(compare(half(other, 1), half(plain, 1)).most).toBeGreaterThan(8);
        exchanged += other.counters.exchanged!;
        const { recipe, ...rest } = task(position, 1, 0, more);
        const never = {
          stages: recipe.stages.map((spec) => (spec.stage === 'exchange' ? { ...spec, params: { prob: 0 } } : spec)),
        };
        expect(Buffer.compare((await synthesisePair({ ...rest, recipe: never })).bytes, plain.bytes)).toBe(0);
      }
    expect(exchanged).toBe(12);
  });

  it('are the same bytes whatever is made at the same time in the same thread', async () => {
    const tasks = [0, 1, 2, 3, 4, 5].map((position) => task(position, 0.7, position % 4));
    const alone: ClipPair[] = [];
    for (const each of tasks) alone.push(await synthesisePair(each));
    for (const order of [tasks, tasks.toReversed()]) {
      const together = await Promise.all(order.map((each) => synthesisePair(each)));
      for (const [i, each] of order.entries())
        expect(Buffer.compare(together[i]!.bytes, alone[tasks.indexOf(each)]!.bytes)).toBe(0);
    }
    expect(alone.filter(({ counters }) => counters.exchanged).length).toBeGreaterThan(2);
  });

  it('never take the clip’s own face, and pass over files that cannot be read', async () => {
    const torn = { id: 'torn', crops: join(folder, 'torn_crops.npz'), landmarks: sources[2]!.landmarks };
    await writeFile(torn.crops, 'no archive');
    const [own, , c] = sources as [ClipSource, ClipSource, ClipSource];
    const wanted = await synthesisePair({ ...task(1, 1), donors: [c] });
    const passed = await synthesisePair({ ...task(1, 1), donors: [own, torn, c] });
    expect(Buffer.compare(passed.bytes, wanted.bytes)).toBe(0);
    expect(passed.counters).toEqual({ ...wanted.counters, donors_passed_over: 1 });
    await expect(synthesisePair({ ...task(1, 1), donors: [own] })).rejects.toThrow(RecipeError);
    const { donors: _, ...none } = task(1, 1);
    await expect(synthesisePair(none)).rejects.toThrow('other clips to take a face from but received none');
    await expect(synthesisePair({ ...task(1, 1), donors: [torn] })).rejects.toThrow(
      /^target: exchange: none of 1 other clips could be used; the last was torn: read: crops file .*torn_crops\.npz: /,
    );
  });

  it('of mixed frames take a face for each', async () => {
    const mixed = { ...task(1, 1), mix: { frames: 3, companions: sources.slice(1) } };
    mixed.recipe = trainingRecipe({ ...options({ exchange_prob: 1 }), frames_per_segment: 1 });
    const { counters, bytes, shape } = await synthesisePair(mixed);
    expect([counters.exchanged, shape]).toEqual([3, [3, 64, 64, 3]]);
    // The second frame alone, of which the task names its own clip among the donors.
    const alone = await synthesisePair({ ...mixed, source: sources[1]!, mix: undefined } as unknown as SynthesisTask);
    const frame = 64 * 64 * 3;
    for (const member of [0, 1])
      expect(
        Buffer.compare(
          bytes.subarray((3 * member + 1) * frame, (3 * member + 2) * frame),
          alone.bytes.subarray(member * frame, (member + 1) * frame),
        ),
      ).toBe(0);
  });

  it('are a part of training and of validation, not of obvious fakes', () => {
    const names = ({ stages }: SynthesisTask['recipe']) => stages.map(({ stage }) => stage);
    const all = options({ exchange_prob: 0.4, resample_target: 1 });
    const order = ['resample_target', 'exchange', 'mask'];
    for (const recipe of [trainingRecipe(all), validationRecipe(all)]) {
      expect(names(recipe).filter((name) => order.includes(name))).toEqual(order);
      expect(recipe.stages.find(({ stage }) => stage === 'exchange')?.params).toEqual({ prob: 0.4 });
    }
    expect(names(trainingRecipe({ ...all, difficulty: 'obvious' }))).not.toContain('exchange');
    expect(names(trainingRecipe(options({ exchange_prob: 0 })))).not.toContain('exchange');
  });
});
