import { checked } from '../codec/nodeAvCheck.js';
import type { AvFrame, AvScaler, NodeAv } from '../codec/nodeAvLibrary.js';
import type { RgbPicture } from '../faces/predictShape.js';
import { nativeSection } from '../pool/nativeSection.js';
import type { Turn } from './videoFile.js';

type Conversion = { key: string; scaler: AvScaler; out: AvFrame; width: number; height: number };

/**
 * Turns decoded frames of any size, pixel format and depth into upright RGB pictures with square pixels. The picture's
 * memory is used again for the next one.
 */
export class UprightPicture {
  #conversion: Conversion | undefined;
  #data = new Uint8Array(0);

  constructor(
    private readonly av: NodeAv,
    private readonly turn: Turn,
  ) {}

  of(frame: AvFrame): RgbPicture {
    return nativeSection(() => {
      const { scaler, out, width, height } = this.#for(frame);
      checked(this.av, scaler.scaleFrameSync(out, frame), 'conversion to RGB');
      const { buffer, byteOffset, length } = out.data![0]!;
      if (this.#data.length !== width * height * 3) this.#data = new Uint8Array(width * height * 3);
      const rows = new Uint8Array(buffer, byteOffset, length);
      return turned(rows, out.linesize[0]!, width, height, this.turn, this.#data);
    });
  }

  free(): void {
    this.#conversion?.scaler.freeContext();
    this.#conversion?.out.free();
    this.#conversion = undefined;
  }

  #for(frame: AvFrame): Conversion {
    const { width: frameWidth, height, format, sampleAspectRatio } = frame;
    const stretch =
      sampleAspectRatio.num > 0 && sampleAspectRatio.den > 0 ? sampleAspectRatio.num / sampleAspectRatio.den : 1;
    const width = Math.max(1, Math.round(frameWidth * stretch));
    const key = `${frameWidth}x${height} ${format} ${width}`;
    if (this.#conversion?.key === key) return this.#conversion;
    this.free();
    const { av } = this;
    const { AV_PIX_FMT_RGB24, SWS_BICUBIC } = av.constants;
    const scaler = new av.SoftwareScaleContext();
    scaler.getContext(frameWidth, height, format, width, height, AV_PIX_FMT_RGB24, SWS_BICUBIC);
    const out = new av.Frame();
    out.alloc();
    out.width = width;
    out.height = height;
    out.format = AV_PIX_FMT_RGB24;
    checked(av, out.getBuffer(0), 'memory for a frame');
    this.#conversion = { key, scaler, out, width, height };
    return this.#conversion;
  }
}

/** Copies rows of RGB pixels, turned clockwise. */
function turned(
  rows: Uint8Array,
  stride: number,
  width: number,
  height: number,
  turn: Turn,
  data: Uint8Array,
): RgbPicture {
  if (turn === 0) {
    for (let y = 0; y < height; y++) data.set(rows.subarray(y * stride, y * stride + width * 3), y * width * 3);
    return { data, width, height };
  }
  const outWidth = turn === 180 ? width : height;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] =
        turn === 180 ? [width - 1 - x, height - 1 - y] : turn === 90 ? [height - 1 - y, x] : [y, width - 1 - x];
      const [from, to] = [y * stride + 3 * x, 3 * (v * outWidth + u)];
      data[to] = rows[from]!;
      data[to + 1] = rows[from + 1]!;
      data[to + 2] = rows[from + 2]!;
    }
  return { data, width: outWidth, height: turn === 180 ? height : width };
}
