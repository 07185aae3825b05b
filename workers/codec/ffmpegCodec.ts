import { type Codec, type CodecJob, checkJob } from './codec.js';
import { CodecError } from './codecError.js';
import { cutFrame, evenLength, padFrame } from './evenFrame.js';
import { ffmpegProgram } from './ffmpegProgram.js';
import { runFfmpeg } from './runFfmpeg.js';
import { PRESET } from './x264Settings.js';
import { x264Signature } from './x264Signature.js';

export type FfmpegCodecOptions = {
  /** Path of the program; `ffmpegProgram()` where left out. */
  program?: string;
  /** A process that neither takes nor gives a byte for so long is killed, milliseconds. */
  idleMs?: number;
};

/** No step of a clip takes a living encoder more than a fraction of a second; a loaded machine is allowed for. */
const IDLE_MS = 20_000;

/**
 * H.264 by the ffmpeg program: one process encodes all segments, another decodes them, pixels and stream through pipes.
 * A native crash ends the program, not the caller.
 *
 * @throws CodecUnavailableError when there is no program
 */
export function ffmpegCodec({ program = ffmpegProgram(), idleMs = IDLE_MS }: FfmpegCodecOptions = {}): Codec {
  const encode = (job: CodecJob): Promise<Buffer> => {
    const input =
      job.width & 1 || job.height & 1 ? job.segments.map((segment) => padSegment(job, segment)) : job.segments;
    const rawBytes = input.reduce((sum, segment) => sum + segment.length, 0);
    return runFfmpeg(program, encoderArguments(job), { input, maxOutput: 2 * rawBytes + (1 << 20), idleMs });
  };
  return {
    name: 'ffmpeg',

    async recompress(job, into = job.segments.map((segment) => new Uint8Array(segment.length))) {
      checkJob(job, into);
      const { width, height } = job;
      const frameBytes = width * height * 3;
      const stride = evenLength(width) * 3;
      const evenBytes = stride * evenLength(height);
      const expected = into.reduce((sum, segment) => sum + segment.length, 0) / frameBytes;
      const stream = await encode(job);
      const decoded = await runFfmpeg(program, DECODER_ARGUMENTS, {
        input: [stream],
        maxOutput: expected * evenBytes,
        idleMs,
      });
      if (decoded.length !== expected * evenBytes)
        throw new CodecError('ffmpeg', `${expected} frames were encoded but ${decoded.length / evenBytes} came back`);
      const pixels = new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.length);
      let from = 0;
      for (const segment of into)
        for (let at = 0; at < segment.length; at += frameBytes, from += evenBytes)
          cutFrame(pixels, from, stride, segment, at, width, height);
      return into;
    },

    async identify() {
      const about = await runFfmpeg(program, ['-version'], { input: [], maxOutput: 1 << 16, idleMs });
      const version = /^ffmpeg version (\S+)/.exec(about.toString())?.[1] ?? 'unknown';
      const x264 = x264Signature(
        await encode({ width: 16, height: 16, qp: 30, segments: [new Uint8Array(16 * 16 * 3)] }),
      );
      return { version, ...(x264 !== undefined && { x264 }) };
    },
  };
}

/** Complaints only, no reading of commands, one thread: what a worker is entitled to. */
const QUIET = ['-v', 'error', '-nostdin', '-filter_threads', '1'];
/** Bicubic chroma is the program's habit; said here because libraries have another. */
const BICUBIC = ['-sws_flags', 'bicubic'];
/** A frame a second makes a segment's first frame and its time the same number. Both ends have to agree on it: versions
 * before 5 else drop and repeat frames. */
const RATE = ['-framerate', '1'];

function encoderArguments({ width, height, qp, segments }: CodecJob): string[] {
  const size = `${evenLength(width)}x${evenLength(height)}`;
  let frames = 0;
  const firstFrames = segments.map((segment) => {
    const first = frames;
    frames += segment.length / (width * height * 3);
    return first;
  });
  return [
    ...QUIET,
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', size, ...RATE, '-i', 'pipe:0'],
    ...[...BICUBIC, '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', PRESET, '-qp', String(qp), '-threads', '1'],
    ...['-forced-idr', '1', '-force_key_frames', firstFrames.join(',')],
    ...['-f', 'h264', 'pipe:1'],
  ];
}

const DECODER_ARGUMENTS: readonly string[] = [
  ...QUIET,
  ...['-threads', '1', '-f', 'h264', ...RATE, '-i', 'pipe:0'],
  ...[...BICUBIC, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
];

function padSegment({ width, height }: CodecJob, segment: Uint8Array): Uint8Array {
  const frameBytes = width * height * 3;
  const stride = evenLength(width) * 3;
  const evenBytes = stride * evenLength(height);
  const padded = new Uint8Array((segment.length / frameBytes) * evenBytes);
  for (let at = 0, to = 0; at < segment.length; at += frameBytes, to += evenBytes)
    padFrame(segment, at, width, height, padded, to, stride);
  return padded;
}
