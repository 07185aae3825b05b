import type { Codec, CodecName } from './codec.js';
import { ffmpegCodec } from './ffmpegCodec.js';
import { jpegCodec } from './jpegCodec.js';
import { nodeAvCodec } from './nodeAvCodec.js';

const MAKERS: Record<CodecName, () => Codec | Promise<Codec>> = {
  'node-av': nodeAvCodec,
  ffmpeg: ffmpegCodec,
  jpeg: jpegCodec,
};

const opened = new Map<CodecName, Promise<Codec>>();

/**
 * The codec of that name, opened once per thread.
 *
 * @throws CodecUnavailableError where it is not installed
 */
export function openCodec(name: CodecName): Promise<Codec> {
  let codec = opened.get(name);
  if (!codec) {
    codec = Promise.resolve().then(MAKERS[name]);
    opened.set(name, codec);
    codec.catch(() => opened.delete(name));
  }
  return codec;
}
