import { setImmediate as nextTurn } from 'node:timers/promises';
import { nativeSection } from '../pool/nativeSection.js';
import { type Codec, type CodecJob, checkJob } from './codec.js';
import { CodecError } from './codecError.js';
import { CodecUnavailableError } from './codecUnavailableError.js';
import { cutFrame, evenLength, padFrame } from './evenFrame.js';
import { checked } from './nodeAvCheck.js';
import { NodeAvDecoder } from './nodeAvDecoder.js';
import { NodeAvEncoder } from './nodeAvEncoder.js';
import { type AvFrame, type AvScaler, loadNodeAv, type NodeAv } from './nodeAvLibrary.js';
import { x264Signature } from './x264Signature.js';

/**
 * H.264 in this process, by FFmpeg's libraries in the package node-av: a tenth of the cost of starting a program for
 * each clip. Works on the calling thread.
 *
 * @throws CodecUnavailableError where node-av or its binary for this platform is missing
 */
export async function nodeAvCodec(): Promise<Codec> {
  let av: NodeAv;
  try {
    av = await nativeSection(loadNodeAv);
  } catch (error) {
    throw new CodecUnavailableError('node-av', `the package cannot be loaded (${firstLine(error)})`, { cause: error });
  }
  return {
    name: 'node-av',
    async recompress(job, into = job.segments.map((segment) => new Uint8Array(segment.length))) {
      checkJob(job, into);
      try {
        nativeSection(() => roundTrip(av, job, into));
      } catch (error) {
        throw error instanceof CodecError ? error : new CodecError('node-av', firstLine(error), { cause: error });
      } finally {
        // The binding's finalizers wait for a turn of the event loop; without one, 0.3 MB is held back per pair.
        await nextTurn();
      }
      return into;
    },
    identify: async () => ({ version: av.getFFmpegInfo().version, ...nativeSection(() => signature(av)) }),
  };
}

function roundTrip(av: NodeAv, { width, height, qp, segments }: CodecJob, into: readonly Uint8Array[]): void {
  const { AV_PIX_FMT_RGB24, AV_PIX_FMT_YUV420P } = av.constants;
  const frameBytes = width * height * 3;
  const [evenWidth, evenHeight] = [evenLength(width), evenLength(height)];
  const frees: (() => void)[] = [];
  const owned = <T>(thing: T, free: (thing: T) => void): T => {
    frees.push(() => free(thing));
    return thing;
  };
  const picture = (format: number, align: number): AvFrame =>
    owned(newFrame(av, evenWidth, evenHeight, format, align), (frame) => frame.free());
  const scaler = (from: number, to: number): AvScaler =>
    owned(newScaler(av, evenWidth, evenHeight, from, to), (context) => context.freeContext());
  try {
    // Packed rows going in, where a frame is copied at once; padded rows coming out, where vector code writes past the
    // last pixel and would else leave a wide frame's right edge to other, slightly different code.
    const rgbIn = picture(AV_PIX_FMT_RGB24, 1);
    const yuv = picture(AV_PIX_FMT_YUV420P, 0);
    const rgbOut = picture(AV_PIX_FMT_RGB24, 0);
    const toYuv = scaler(AV_PIX_FMT_RGB24, AV_PIX_FMT_YUV420P);
    const toRgb = scaler(AV_PIX_FMT_YUV420P, AV_PIX_FMT_RGB24);
    const pixelsIn = plainView(rgbIn.data![0]!);
    const pixelsOut = plainView(rgbOut.data![0]!);
    const [strideIn, strideOut] = [rgbIn.linesize[0]!, rgbOut.linesize[0]!];

    const places = segments.flatMap((segment, s) =>
      Array.from({ length: segment.length / frameBytes }, (_, frame) => ({ s, offset: frame * frameBytes })),
    );
    let returned = 0;
    const decoder = owned(
      new NodeAvDecoder(av, (frame) => {
        const place = places[returned++];
        if (!place || frame.width !== evenWidth || frame.height !== evenHeight)
          throw new CodecError('node-av', `the decoder returned frame ${returned} of ${frame.width}x${frame.height}`);
        checked(av, toRgb.scaleFrameSync(rgbOut, frame), 'conversion to RGB');
        cutFrame(pixelsOut, 0, strideOut, into[place.s]!, place.offset, width, height);
      }),
      (context) => context.free(),
    );
    const encoder = owned(
      new NodeAvEncoder(av, evenWidth, evenHeight, qp, (packet) => decoder.decode(packet)),
      (context) => context.free(),
    );
    places.forEach(({ s, offset }, time) => {
      padFrame(segments[s]!, offset, width, height, pixelsIn, 0, strideIn);
      checked(av, toYuv.scaleFrameSync(yuv, rgbIn), 'conversion to YUV');
      encoder.encode(yuv, time, offset === 0);
    });
    encoder.finish();
    decoder.finish();
    if (returned !== places.length)
      throw new CodecError('node-av', `${places.length} frames were encoded but ${returned} came back`);
  } finally {
    for (const free of frees.reverse()) free();
  }
}

/** Without Buffer's own `subarray`, which costs more than a row takes to copy. */
const plainView = ({ buffer, byteOffset, length }: Buffer): Uint8Array => new Uint8Array(buffer, byteOffset, length);

function newFrame(av: NodeAv, width: number, height: number, format: number, align: number): AvFrame {
  const frame = new av.Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = format;
  checked(av, frame.getBuffer(align), 'memory for a frame');
  return frame;
}

function newScaler(av: NodeAv, width: number, height: number, from: number, to: number): AvScaler {
  const scaler = new av.SoftwareScaleContext();
  // Bicubic chroma is what the ffmpeg program does.
  scaler.getContext(width, height, from, width, height, to, av.constants.SWS_BICUBIC);
  return scaler;
}

/** Encodes one black frame to read its encoder's signature. */
function signature(av: NodeAv): { x264?: string } {
  const side = 16;
  const frame = newFrame(av, side, side, av.constants.AV_PIX_FMT_YUV420P, 0);
  let x264: string | undefined;
  try {
    const encoder = new NodeAvEncoder(av, side, side, 30, (packet) => {
      x264 ??= packet.data ? x264Signature(packet.data) : undefined;
    });
    try {
      encoder.encode(frame, 0, true);
      encoder.finish();
    } finally {
      encoder.free();
    }
  } finally {
    frame.free();
  }
  return x264 === undefined ? {} : { x264 };
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
