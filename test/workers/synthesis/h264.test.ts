import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jpegRoundTrip } from '../../../workers/image/jpegRoundTrip.js';
import {
  keyedGenerator,
  openCodec,
  type Recipe,
  RecipeError,
  SampleError,
  SynthesisPool,
  synthesiseFrom,
} from '../../../workers/index.js';
import type { Clip } from '../../../workers/synthesis/clip.js';
import { drawCompression } from '../../../workers/synthesis/stages/compressionDraw.js';
import { h264 } from '../../../workers/synthesis/stages/h264.js';
import { installedH264 } from '../codec/installedCodecs.js';
import { syntheticClip, writeClip } from '../syntheticClip.js';
import { applyStage, clipOf } from './applyStage.js';

const stored = syntheticClip({ frames: 8, size: 45 });
const installed = await installedH264();
const codec = installed ?? 'jpeg';

/** A clip of two segments whose fake is the real member, or that with noise in the last frame. */
function blended(noisy: boolean): Clip {
  const clip = clipOf(stored);
  clip.segments = 2;
  clip.target = clip.target.slice();
  clip.fake = clip.target.slice();
  const random = keyedGenerator('noise');
  if (noisy) for (let i = 7 * clip.frameBytes; i < clip.fake.length; i++) clip.fake[i]! += random.integer(0, 30);
  clip.difference = [];
  return clip;
}

describe.skipIf(!installed)(`h264 ${installed ? `with ${installed}` : '(skipped: neither node-av nor ffmpeg)'}`, () => {
  it('compresses both members alike', async () => {
    const clip = blended(false);
    const before = clip.target.slice();
    expect(await applyStage(h264, clip, { prob: 1, qp: [35, 35], codec })).toEqual({ h264: 1 });
    expect(clip.fake).toEqual(clip.target);
    expect(clip.target).not.toEqual(before);
    expect(clip.difference).toBeNull();
  });

  it('never lets the fake change the real member, nor a segment another', async () => {
    const [same, noisy] = [blended(false), blended(true)];
    for (const clip of [same, noisy]) await applyStage(h264, clip, { prob: 1, codec });
    expect(noisy.target).toEqual(same.target);
    const half = same.target.length / 2;
    expect(noisy.fake!.subarray(0, half)).toEqual(same.fake!.subarray(0, half));
    expect(noisy.fake!.subarray(half)).not.toEqual(same.fake!.subarray(half));
  });

  it('gives each member the stream per segment that it would have by itself', async () => {
    const clip = blended(true);
    const members = [clip.target.slice(), clip.fake!.slice()];
    await applyStage(h264, clip, { prob: 1, qp: [28, 28], codec });
    const { width, height } = clip;
    const coder = await openCodec(codec);
    const halves = (member: Uint8Array) => [member.slice(0, member.length / 2), member.slice(member.length / 2)];
    for (const [m, member] of members.entries()) {
      const alone = await Promise.all(
        halves(member).map(
          async (segment) => (await coder.recompress({ width, height, qp: 28, segments: [segment] }))[0]!,
        ),
      );
      expect(Buffer.concat(alone).equals([clip.target, clip.fake!][m]!), `member ${m}`).toBe(true);
    }
  });

  it('loses more at a higher quantiser', async () => {
    const losses: number[] = [];
    for (const qp of [10, 23, 40]) {
      const clip = blended(false);
      const before = clip.target.slice();
      await applyStage(h264, clip, { prob: 1, qp: [qp, qp], codec });
      losses.push(clip.target.reduce((sum, value, i) => sum + Math.abs(value - before[i]!), 0));
    }
    expect(losses).toEqual([...losses].sort((a, b) => a - b));
  });
});

describe('h264', () => {
  it('leaves the pair alone as often as its probability says', async () => {
    const clip = blended(true);
    const before = [clip.target.slice(), clip.fake!.slice()];
    expect(await applyStage(h264, clip, { prob: 0 })).toEqual({});
    expect([clip.target, clip.fake]).toEqual(before);
    expect(clip.difference).toEqual([]);
    const drawn = Array.from({ length: 4000 }, (_, i) =>
      drawCompression({ prob: 0.5, qp: [23, 40], codec }, keyedGenerator('draw', i)),
    );
    const fired = drawn.filter((qp) => qp !== null);
    expect(fired.length / drawn.length).toBeCloseTo(0.5, 1);
    expect(new Set(fired)).toEqual(new Set(Array.from({ length: 18 }, (_, i) => 23 + i)));
  });

  it('with codec jpeg compresses frame by frame and says so', async () => {
    const clip = blended(true);
    const [real, fake] = [clip.target.slice(), clip.fake!.slice()];
    expect(await applyStage(h264, clip, { prob: 1, qp: [30, 30], codec: 'jpeg' })).toEqual({ h264_jpeg_fallback: 1 });
    for (const member of [real, fake])
      for (let at = 0; at < member.length; at += clip.frameBytes)
        jpegRoundTrip(member.subarray(at, at + clip.frameBytes), clip.width, clip.height, 40);
    expect(clip.target).toEqual(real);
    expect(clip.fake).toEqual(fake);
  });

  it('is refused with a codec that does not exist, and before the blend', async () => {
    await expect(applyStage(h264, blended(false), { prob: 1, codec: 'av1' })).rejects.toThrow(
      new RecipeError("h264: unknown codec 'av1'; expected one of: node-av, ffmpeg, jpeg"),
    );
    await expect(applyStage(h264, clipOf(stored), { prob: 1, codec: 'jpeg' })).rejects.toThrow(
      new RecipeError('h264 has to come after blend'),
    );
  });
});

const recipe = (jpegProb: number, h264Params: Record<string, unknown>): Recipe => ({
  stages: [
    { stage: 'mask', params: {} },
    { stage: 'blend', params: {} },
    { stage: 'jpeg', params: { prob: jpegProb } },
    { stage: 'h264', params: { codec: 'jpeg', ...h264Params } },
  ],
});
const counted = async (position: number, of: Recipe): Promise<Record<string, number>> =>
  (await synthesiseFrom(stored, { seed: 1, epoch: 0, position }, of)).counters;

describe('jpeg beside h264', () => {
  it('compresses exactly the pairs that h264 leaves', async () => {
    let fired = 0;
    for (let position = 0; position < 40; position++) {
      const { jpeg = 0, h264_jpeg_fallback: video = 0 } = await counted(position, recipe(1, { prob: 0.5 }));
      expect(jpeg + video, `${position}`).toBe(1);
      fired += video;
    }
    expect(fired).toBeGreaterThan(10);
    expect(fired).toBeLessThan(30);
  });

  it('does not draw other numbers because of it', async () => {
    const without = { stages: recipe(0.5, {}).stages.slice(0, 3) };
    for (let position = 0; position < 20; position++) {
      const never = await synthesiseFrom(stored, { seed: 1, epoch: 0, position }, recipe(0.5, { prob: 0 }));
      const absent = await synthesiseFrom(stored, { seed: 1, epoch: 0, position }, without);
      expect(never.counters).toEqual(absent.counters);
      expect(Buffer.compare(never.bytes, absent.bytes)).toBe(0);
    }
  });
});

describe.skipIf(process.platform === 'win32')('a pair whose ffmpeg dies (needs /bin/sh)', () => {
  let folder: string;
  const before = process.env.FFMPEG_BIN;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'h264-'));
    const program = join(folder, 'ffmpeg');
    await writeFile(program, '#!/bin/sh\nkill -9 $$\n');
    await chmod(program, 0o755);
    process.env.FFMPEG_BIN = program;
  });
  afterAll(async () => {
    if (before === undefined) delete process.env.FFMPEG_BIN;
    else process.env.FFMPEG_BIN = before;
    await rm(folder, { recursive: true });
  });

  it('fails for itself, and the pool says that it may be tried again', async () => {
    const source = await writeClip(folder, syntheticClip({ id: 'clip', frames: 4, size: 48 }));
    const pool = new SynthesisPool({ threads: 1 });
    try {
      const run = (codecName: string) =>
        pool.run({ source, key: { seed: 1, epoch: 0, position: 0 }, recipe: recipe(0, { prob: 1, codec: codecName }) });
      const error = await run('ffmpeg').catch((e: unknown) => e);
      expect(error).toBeInstanceOf(SampleError);
      expect(error).toMatchObject({
        clip: 'clip',
        stage: 'h264',
        reason: 'ffmpeg: the process was ended by SIGKILL',
        retryable: true,
      });
      expect((await run('jpeg')).counters).toMatchObject({ h264_jpeg_fallback: 1 });
    } finally {
      await pool.destroy();
    }
  });
});
