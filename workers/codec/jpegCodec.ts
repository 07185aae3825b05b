import { jpegRoundTrip } from '../image/jpegRoundTrip.js';
import { type Codec, checkJob } from './codec.js';

/**
 * Stands in for H.264 where there is none: every frame by itself, at a quality that falls as the quantiser rises. It
 * has no motion compensation and flickers differently, so its use is counted and named, never silent.
 */
export function jpegCodec(): Codec {
  return {
    name: 'jpeg',
    async recompress(job, into = job.segments.map((segment) => new Uint8Array(segment.length))) {
      checkJob(job, into);
      const { width, height } = job;
      const frameBytes = width * height * 3;
      const quality = jpegQuality(job.qp);
      job.segments.forEach((segment, s) => {
        const out = into[s]!;
        if (out !== segment) out.set(segment);
        for (let at = 0; at < out.length; at += frameBytes)
          jpegRoundTrip(out.subarray(at, at + frameBytes), width, height, quality);
      });
      return into;
    },
    identify: async () => ({ version: 'libjpeg-turbo' }),
  };
}

/** JPEG quality that stands in for a quantiser: 54 at QP 23, 20 from QP 40 on. */
export const jpegQuality = (qp: number): number => Math.max(20, 100 - 2 * qp);
