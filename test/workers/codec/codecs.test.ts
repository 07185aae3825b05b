import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jpegRoundTrip } from '../../../workers/image/jpegRoundTrip.js';
import { type Codec, keyedGenerator, openCodec, readNpz } from '../../../workers/index.js';
import { compare, fixture } from '../reference.js';
import { installedCodec } from './installedCodecs.js';

type Expected = { segments: number[] } & Record<string, Record<string, { sha256: string; psnr: number }>>;
const expected = JSON.parse(readFileSync(fixture('codec_expected.json'), 'utf8')) as Expected;
const clips = await readNpz(fixture('codec_clips.npz'));

/** The segments that the reference was made from (fixtures/scripts/workers_codec.py). */
function referenceClip(width: number, height: number): Uint8Array[] {
  const pixels = clips.get(`clip_${width}x${height}`)!.data as Uint8Array;
  let frame = 0;
  return expected.segments.map((frames) => {
    const segment = pixels.slice(frame * width * height * 3, (frame + frames) * width * height * 3);
    frame += frames;
    return segment;
  });
}

const noise = (frames: number, width: number, height: number, seed: number): Uint8Array => {
  const random = keyedGenerator('codec test', seed);
  return Uint8Array.from(
    { length: frames * width * height * 3 },
    (_, i) => 100 + ((i / 7) & 63) + random.between(-40, 40),
  );
};

const sha256 = (parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

function psnr(a: readonly Uint8Array[], b: readonly Uint8Array[]): number {
  const [left, right] = [Buffer.concat(a), Buffer.concat(b)];
  const squares = left.reduce((sum, value, i) => sum + (value - right[i]!) ** 2, 0);
  return 10 * Math.log10((255 ** 2 * left.length) / squares);
}

/** From core 164 on, x264 makes the same pictures; vector code of other processors rounds colours differently. */
async function isReferenceBuild(codec: Codec): Promise<boolean> {
  const { x264 } = await codec.identify();
  return process.arch === 'x64' && Number(/^core (\d+)/.exec(x264 ?? '')?.[1]) >= 164;
}

const sizes = [
  [72, 56],
  [37, 29],
] as const;

for (const name of ['node-av', 'ffmpeg'] as const) {
  const { codec: installed, title } = await installedCodec(name);
  const codec = installed!;
  describe.skipIf(!installed)(title, () => {
    it('gives what the plain program gives for each segment alone', async () => {
      const exact = await isReferenceBuild(codec);
      for (const [width, height] of sizes) {
        const segments = referenceClip(width, height);
        const all = Object.entries(expected[`${width}x${height}`]!);
        // Processes take their time to start: every other quantiser is enough for them.
        for (const [qp, { sha256: digest, psnr: decibels }] of name === 'ffmpeg' ? all.filter((_, i) => i % 2) : all) {
          const decoded = await codec.recompress({ width, height, qp: Number(qp), segments });
          expect(Math.abs(psnr(segments, decoded) - decibels), `${width}x${height} qp ${qp}`).toBeLessThan(0.3);
          if (exact) expect(sha256(decoded), `${width}x${height} qp ${qp}`).toBe(digest);
        }
      }
    });

    it('keeps segments apart: another second one leaves the first and the third as they were', async () => {
      const [width, height] = [40, 32];
      const segments = [1, 2, 3].map((seed) => noise(3, width, height, seed));
      const other = [segments[0]!, noise(3, width, height, 9), segments[2]!];
      const before = await codec.recompress({ width, height, qp: 35, segments });
      const after = await codec.recompress({ width, height, qp: 35, segments: other });
      expect(compare(after[0]!, before[0]!).most).toBe(0);
      expect(compare(after[2]!, before[2]!).most).toBe(0);
      expect(compare(after[1]!, before[1]!).most).toBeGreaterThan(0);
      for (const [s, segment] of segments.entries()) {
        const [alone] = await codec.recompress({ width, height, qp: 35, segments: [segment] });
        expect(compare(alone!, before[s]!).most, `segment ${s}`).toBe(0);
      }
    });

    it('predicts within a segment: its frames are not what they would be one by one', async () => {
      const [width, height] = [40, 32];
      const segment = noise(3, width, height, 4);
      const frames = [0, 1, 2].map((t) => segment.subarray((t * segment.length) / 3, ((t + 1) * segment.length) / 3));
      const [together] = await codec.recompress({ width, height, qp: 35, segments: [segment] });
      const apart = await codec.recompress({ width, height, qp: 35, segments: frames });
      expect(compare(together!.subarray(0, frames[0]!.length), apart[0]!).most).toBe(0);
      expect(compare(together!, Buffer.concat(apart)).most).toBeGreaterThan(0);
    });

    it('takes single frames, odd and tiny sizes, and segments of different lengths', async () => {
      for (const [width, height] of [
        [1, 1],
        [2, 2],
        [3, 2],
        [1, 9],
        [17, 15],
        [63, 33],
      ] as const) {
        const segments = [1, 4, 2].map((frames, s) => noise(frames, width, height, s));
        const decoded = await codec.recompress({ width, height, qp: 10, segments });
        expect(decoded.map(({ length }) => length)).toEqual(segments.map(({ length }) => length));
        if (width > 8) expect(psnr(segments, decoded), `${width}x${height}`).toBeGreaterThan(13);
      }
    });

    it('takes segments that are longer than x264 leaves between two key frames', async () => {
      const segments = [noise(260, 8, 8, 1), noise(2, 8, 8, 2)];
      const together = await codec.recompress({ width: 8, height: 8, qp: 30, segments });
      const alone = await codec.recompress({ width: 8, height: 8, qp: 30, segments: segments.slice(1) });
      expect(compare(together[1]!, alone[0]!).most).toBe(0);
    });

    it('writes over the segments where it is asked to, and else leaves them alone', async () => {
      const [width, height] = [21, 18];
      const segments = [noise(2, width, height, 1), noise(1, width, height, 2)];
      const copies = segments.map((segment) => segment.slice());
      const fresh = await codec.recompress({ width, height, qp: 30, segments });
      expect(segments).toEqual(copies);
      expect(await codec.recompress({ width, height, qp: 30, segments }, segments)).toBe(segments);
      expect(segments).toEqual(fresh);
    });

    it('works on parts of larger buffers', async () => {
      const [width, height] = [12, 10];
      const large = noise(4, width, height, 3);
      const frame = large.length / 4;
      const [middle] = await codec.recompress({ width, height, qp: 28, segments: [large.slice(frame, 3 * frame)] });
      const around = large.slice();
      const part = large.subarray(frame, 3 * frame);
      await codec.recompress({ width, height, qp: 28, segments: [part] }, [part]);
      expect(compare(part, middle!).most).toBe(0);
      expect(compare(large.subarray(0, frame), around.subarray(0, frame)).most).toBe(0);
      expect(compare(large.subarray(3 * frame), around.subarray(3 * frame)).most).toBe(0);
    });

    it('manages several jobs at once', async () => {
      const jobs = [1, 2, 3].map((seed) => ({
        width: 24 + seed,
        height: 20,
        qp: 20 + seed,
        segments: [noise(3, 24 + seed, 20, seed)],
      }));
      const together = await Promise.all(jobs.map((job) => codec.recompress(job)));
      for (const [i, job] of jobs.entries()) expect(together[i]).toEqual(await codec.recompress(job));
    });

    it('says what it expected of a job', async () => {
      const good = { width: 4, height: 4, qp: 30, segments: [new Uint8Array(48)] };
      for (const [change, message] of [
        [{ width: 0 }, 'Expected a positive whole number for width but received 0'],
        [{ height: 1.5 }, 'Expected a positive whole number for height but received 1.5'],
        [{ qp: 52 }, 'Expected a whole number from 0 to 51 for qp but received 52'],
        [{ segments: [] }, 'Expected at least one segment but received none'],
        [
          { segments: [new Uint8Array(48), new Uint8Array(47)] },
          'Expected whole frames of 4x4x3 bytes for segment 1 but received 47 bytes',
        ],
        [{ segments: [new Uint8Array(0)] }, 'Expected whole frames of 4x4x3 bytes for segment 0 but received 0 bytes'],
      ] as const)
        await expect(codec.recompress({ ...good, ...change })).rejects.toThrow(new RangeError(message));
      await expect(codec.recompress(good, [new Uint8Array(47)])).rejects.toThrow(
        'Expected a buffer of the same length',
      );
    });

    it('knows its versions', async () => {
      const { version, x264 } = await codec.identify();
      expect(version).toMatch(/\d/);
      expect(x264).toMatch(/^core \d+/);
    });
  });
}

const nodeAv = await installedCodec('node-av');
const ffmpeg = await installedCodec('ffmpeg');
describe.skipIf(!nodeAv.codec || !ffmpeg.codec)('node-av and ffmpeg (both needed)', () => {
  it('give the same bytes where both have a recent x264', async () => {
    const both = [nodeAv.codec!, ffmpeg.codec!];
    const exact = (await Promise.all(both.map(isReferenceBuild))).every((is) => is);
    for (const [width, height] of [
      [64, 48],
      [37, 29],
      [5, 3],
    ] as const)
      for (const qp of [18, 44]) {
        const segments = [3, 1].map((frames, s) => noise(frames, width, height, s + qp));
        const [ours, theirs] = await Promise.all(
          both.map(async (codec) => Buffer.concat(await codec.recompress({ width, height, qp, segments }))),
        );
        if (exact) expect(compare(ours!, theirs!).most, `${width}x${height} qp ${qp}`).toBe(0);
        else expect(Math.abs(psnr([ours!], segments) - psnr([theirs!], segments))).toBeLessThan(0.5);
      }
  });
});

describe('jpeg', () => {
  it('compresses every frame by itself, at a quality that falls to 20 as the quantiser rises', async () => {
    const [width, height] = [72, 56];
    const segments = referenceClip(width, height);
    const codec = await openCodec('jpeg');
    for (const [qp, quality] of [
      [0, 100],
      [23, 54],
      [40, 20],
      [51, 20],
    ] as const) {
      const decoded = await codec.recompress({ width, height, qp, segments });
      const frame = segments[0]!.slice(0, width * height * 3);
      jpegRoundTrip(frame, width, height, quality);
      expect(compare(decoded[0]!.subarray(0, frame.length), frame).most, `qp ${qp}`).toBe(0);
    }
  });
});
