import { createHash } from 'node:crypto';
import type { Codec, CodecIdentity } from './codec.js';

export type ProbeResult = CodecIdentity & {
  /** Of a fixed clip's round trip: where it is the same, so is every pixel. */
  digest: string;
  /** Peak signal-to-noise ratio of the round trip, dB. */
  psnr: number;
};

const [WIDTH, HEIGHT, QP] = [38, 27, 30];
/** At QP 30 a smooth picture keeps some 35 dB; less than this is another picture. */
const LEAST_PSNR = 25;

/**
 * A small real round trip: two segments of odd size, one a single frame.
 *
 * @throws CodecError when the codec fails or returns another picture
 */
export async function probeCodec(codec: Codec): Promise<ProbeResult> {
  const segments = [movingGradient(5, 0), movingGradient(1, 40)];
  const returned = await codec.recompress({ width: WIDTH, height: HEIGHT, qp: QP, segments });
  const digest = createHash('sha256');
  let squares = 0;
  let values = 0;
  segments.forEach((segment, s) => {
    digest.update(returned[s]!);
    segment.forEach((value, i) => {
      squares += (value - returned[s]![i]!) ** 2;
    });
    values += segment.length;
  });
  const psnr = 10 * Math.log10((255 * 255 * values) / Math.max(squares, 1));
  if (!(psnr >= LEAST_PSNR)) throw new Error(`a round trip came back with ${psnr.toFixed(1)} dB only`);
  return { ...(await codec.identify()), digest: digest.digest('hex').slice(0, 16), psnr };
}

/** `[frames, HEIGHT, WIDTH, 3]` */
function movingGradient(frames: number, start: number): Uint8Array {
  const pixels = new Uint8Array(frames * HEIGHT * WIDTH * 3);
  for (let t = 0, i = 0; t < frames; t++)
    for (let y = 0; y < HEIGHT; y++)
      for (let x = 0; x < WIDTH; x++) {
        const grey = 60 + 3 * x + 2 * y - start - 2 * t;
        pixels[i++] = grey;
        pixels[i++] = grey + 20;
        pixels[i++] = 200 - grey / 2;
      }
  return pixels;
}
