import { CODEC_NAMES, type Codec, type CodecName } from '../../codec/codec.js';
import { CodecError } from '../../codec/codecError.js';
import { CodecUnavailableError } from '../../codec/codecUnavailableError.js';
import { openCodec } from '../../codec/openCodec.js';
import { RecipeError } from '../recipe.js';
import { SampleError } from '../sampleError.js';
import type { Stage } from '../stage.js';
import { type CompressionParams, drawCompression } from './compressionDraw.js';

/**
 * Compresses both members as H.264 of one constant quantiser drawn per pair, each segment a stream of its own: between
 * segments there is a gap in time, over which no encoder would have predicted. With `codec` 'jpeg' every frame is
 * compressed by itself instead, and the pair counts as `h264_jpeg_fallback`.
 */
export const h264: Stage<CompressionParams> = {
  name: 'h264',
  defaults: { prob: 0.5, qp: [23, 40], codec: 'node-av' },
  async apply(clip, params, { random, count }) {
    const qp = drawCompression(params, random);
    if (qp === null) return;
    const { fake, target, frames, frameBytes, width, height } = clip;
    if (!fake) throw new RecipeError('h264 has to come after blend');
    const codec = await codecNamed(params.codec);
    const segmentBytes = (frames / clip.segments) * frameBytes;
    const segments = [target, fake].flatMap((member) =>
      Array.from({ length: clip.segments }, (_, s) => member.subarray(s * segmentBytes, (s + 1) * segmentBytes)),
    );
    try {
      await codec.recompress({ width, height, qp, segments }, segments);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw new SampleError(clip.id, 'h264', error.message, { cause: error, retryable: true });
    }
    count(codec.name === 'jpeg' ? 'h264_jpeg_fallback' : 'h264');
    clip.difference = null; // prediction carries a change from one block to others
  },
};

async function codecNamed(name: string): Promise<Codec> {
  if (!CODEC_NAMES.includes(name as CodecName))
    throw new RecipeError(`h264: unknown codec '${name}'; expected one of: ${CODEC_NAMES.join(', ')}`);
  try {
    return await openCodec(name as CodecName);
  } catch (error) {
    if (error instanceof CodecUnavailableError) throw new RecipeError(`h264: ${error.message}`);
    throw error;
  }
}
