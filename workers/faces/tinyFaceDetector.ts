import { kernels } from '../simd/kernels.js';
import { allocateBlock, memory } from '../simd/linearMemory.js';
import type { RgbPicture } from './predictShape.js';
import { TINY_FACE, type TinyFaceWeights } from './tinyFaceWeights.js';

/** A face as it was detected: its middle and size in pixels of the picture, and how sure the detector is, 0 to 1. */
export type Detection = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly score: number;
};

/** A cell of the last layer looks at this many pixels of the input. */
const CELL = 32;
/** Boxes that share more of their union than this are one face (face-api's `iouThreshold`). */
const SAME_FACE = 0.4;
/** Longest side of an input: what the memory below has room for. */
const MOST_SIDE = 416;

type Layer = { weights: number; bias: number; depthwise: number };

/**
 * The tiny face detector of face-api: YOLO v2 in small (Redmon and Farhadi, 2017), with separable convolutions. Works on
 * this thread, in the memory of the vector kernels.
 */
export class TinyFaceDetector {
  readonly #layers: Layer[];
  readonly #window: Float32Array;
  readonly #planes: readonly [Float32Array, Float32Array];

  constructor(weights: TinyFaceWeights) {
    const { first, separable, last } = weights;
    this.#layers = [first, ...separable, last].map((layer) => ({
      weights: placed(layer.weights).byteOffset,
      bias: placed(layer.bias).byteOffset,
      depthwise: 'depthwise' in layer ? placed(layer.depthwise as Float32Array).byteOffset : 0,
    }));
    this.#window = block(MOST_SIDE * 27);
    const plane = MOST_SIDE * MOST_SIDE * TINY_FACE.channels[0];
    this.#planes = [block(plane), block(plane)];
  }

  /**
   * Faces in a picture whose longest side has at most 416 pixels; what lies right of and below it is black.
   * @param least score of a face that is taken, 0 to 1
   * @returns the surest first; of boxes that overlap, only the surest
   */
  detect(picture: RgbPicture, least: number): Detection[] {
    const columns = Math.ceil(picture.width / CELL);
    const rows = Math.ceil(picture.height / CELL);
    if (Math.max(columns, rows) * CELL > MOST_SIDE)
      throw new RangeError(
        `Expected a picture of at most ${MOST_SIDE} pixels a side but received ${picture.width}x${picture.height}`,
      );
    const cells = this.#forward(picture, columns, rows);
    const stride = Math.ceil((TINY_FACE.anchors.length * 5) / 4) * 4;
    const found: Detection[] = [];
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        TINY_FACE.anchors.forEach(([width, height], anchor) => {
          const at = (row * columns + column) * stride + anchor * 5;
          const score = sigmoid(cells[at + 4]!);
          if (score < least) return;
          found.push({
            x: (column + sigmoid(cells[at]!)) * CELL,
            y: (row + sigmoid(cells[at + 1]!)) * CELL,
            width: Math.exp(cells[at + 2]!) * width * CELL,
            height: Math.exp(cells[at + 3]!) * height * CELL,
            score,
          });
        });
    return surest(found);
  }

  #forward(picture: RgbPicture, columns: number, rows: number): Float32Array {
    const [first, ...rest] = this.#layers as [Layer, ...Layer[]];
    const last = rest.pop()!;
    const { channels, slope } = TINY_FACE;
    let [here, there] = this.#planes;
    const swap = () => {
      [here, there] = [there, here];
    };
    // Not padded: two rows and columns are lost, which the pooling's cut-off windows make good again.
    let [width, height] = [columns * CELL - 2, rows * CELL - 2];
    for (let y = 0; y < height; y++) {
      this.#layOut(picture, y, width);
      const out = here.byteOffset + y * width * channels[0] * 4;
      kernels.denseLayer(this.#window.byteOffset, width, 27, first.weights, first.bias, channels[0], out, slope);
    }
    rest.forEach(({ weights, bias, depthwise }, i) => {
      const [inputs, outputs] = [channels[i]!, channels[i + 1]!];
      kernels.maxPool(here.byteOffset, width, height, inputs, 2, there.byteOffset);
      swap();
      [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
      kernels.depthwiseLayer(here.byteOffset, width, height, inputs, depthwise, there.byteOffset);
      kernels.denseLayer(there.byteOffset, width * height, inputs, weights, bias, outputs, here.byteOffset, slope);
    });
    const deepest = channels.at(-1)!;
    kernels.maxPool(here.byteOffset, width, height, deepest, 1, there.byteOffset);
    const outputs = Math.ceil((TINY_FACE.anchors.length * 5) / 4) * 4;
    kernels.denseLayer(there.byteOffset, width * height, deepest, last.weights, last.bias, outputs, here.byteOffset, 1);
    return here;
  }

  /** The 3x3 windows of a row, `[width, 27]`, normalised; black where the picture ends. */
  #layOut({ data, width: pictureWidth, height }: RgbPicture, y: number, width: number): void {
    const { mean } = TINY_FACE;
    const window = this.#window;
    for (let v = 0; v < 3; v++) {
      const inside = y + v < height;
      for (let x = 0; x < width + 2; x++) {
        const from = 3 * ((y + v) * pictureWidth + x);
        const seen = inside && x < pictureWidth;
        for (let c = 0; c < 3; c++) {
          const value = ((seen ? data[from + c]! : 0) - mean[c]!) / 255;
          for (let u = 0; u < 3; u++) if (x >= u && x - u < width) window[(x - u) * 27 + (v * 3 + u) * 3 + c] = value;
        }
      }
    }
  }
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

/** Drops boxes that lie over a surer one. */
export function surest(found: readonly Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const one of [...found].sort((a, b) => b.score - a.score))
    if (!kept.some((other) => overlap(one, other) > SAME_FACE)) kept.push(one);
  return kept;
}

type Box = Pick<Detection, 'x' | 'y' | 'width' | 'height'>;

/** Share of two boxes' union that both cover, 0 to 1. */
export function overlap(a: Box, b: Box): number {
  const shared = (p: number, sizeP: number, q: number, sizeQ: number) =>
    Math.max(0, Math.min(p + sizeP / 2, q + sizeQ / 2) - Math.max(p - sizeP / 2, q - sizeQ / 2));
  const both = shared(a.x, a.width, b.x, b.width) * shared(a.y, a.height, b.y, b.height);
  return both / (a.width * a.height + b.width * b.height - both);
}

/** Numbers in the kernels' memory, for as long as the thread lives. */
function block(length: number): Float32Array {
  const address = allocateBlock(4 * length);
  if (address === null)
    throw new RangeError(`Expected room for ${4 * length} bytes in the kernels' memory but it is full`);
  return new Float32Array(memory.buffer, address, length);
}

function placed(values: Float32Array): Float32Array {
  const copy = block(values.length);
  copy.set(values);
  return copy;
}
