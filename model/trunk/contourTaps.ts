import * as tf from '@tensorflow/tfjs';
import type { ClipGrid } from '../layers/clipGrid.js';
import type { ConstantCache } from '../layers/constantCache.js';
import type { SamplingLines } from './sampleLines.js';

/**
 * Constant index tables of slender kernels: `taps` positions along one axis, centred, clipped to the map's border.
 * Taps are numbered 0..taps−1 and lie at −c..+c, c = (taps−1)/2.
 */
export class ContourTaps {
  readonly reach: number;

  constructor(
    readonly taps: number,
    readonly constants: ConstantCache,
  ) {
    this.reach = (taps - 1) / 2;
  }

  /** Offset channels of one kernel: every tap but the centre. */
  get offsetChannels(): number {
    return this.taps - 1;
  }

  /**
   * Sums offset channels outward, `[groups·(taps−1), taps]`, for the group of that number: tap +j moves by the offsets
   * of taps +1..+j, tap −j by those of −1..−j, the centre stays. So every tap is at most one element away from its
   * inner neighbour and the kernel stays connected (Qi et al., Dynamic Snake Convolution, 2023).
   */
  outwardSum(group: number, groups: number): tf.Tensor2D {
    const { taps, reach, offsetChannels } = this;
    return this.constants.get(`outward ${group} ${groups} ${taps}`, () => {
      const matrix = new Float32Array(groups * offsetChannels * taps);
      for (let channel = 0; channel < offsetChannels; channel++) {
        const moved = channel < reach ? channel - reach : channel - reach + 1;
        for (let tap = 0; tap < taps; tap++) {
          const side = tap - reach;
          const outside = Math.sign(side) === Math.sign(moved) && Math.abs(moved) <= Math.abs(side);
          if (outside) matrix[(group * offsetChannels + channel) * taps + tap] = 1;
        }
      }
      return tf.tensor2d(matrix, [groups * offsetChannels, taps]);
    });
  }

  /** Taps along the width, each sliding along the height. Offsets `[N,H,W,taps]`. */
  slidingRows({ batch, frames, height, width }: ClipGrid): SamplingLines {
    const images = batch * frames;
    return {
      origin: this.#ramp(height, [1, height, 1, 1]),
      start: this.#table(`rows ${images} ${height} ${width}`, [images, 1, width, this.taps], (image, column, tap) => {
        return image * height * width + this.#clip(column + tap - this.reach, width);
      }),
      stride: width,
      length: height,
    };
  }

  /** Taps along the height, each sliding along the width. Offsets `[N,H,W,taps]`. */
  slidingColumns({ batch, frames, height, width }: ClipGrid): SamplingLines {
    const images = batch * frames;
    return {
      origin: this.#ramp(width, [1, 1, width, 1]),
      start: this.#table(`columns ${images} ${height} ${width}`, [images, height, 1, this.taps], (image, row, tap) => {
        return (image * height + this.#clip(row + tap - this.reach, height)) * width;
      }),
      stride: 1,
      length: width,
    };
  }

  /** Taps along time, inside their segment, each sliding along the height. Offsets `[N,H,W,taps]`. */
  slidingRowsThroughTime(grid: ClipGrid): SamplingLines {
    const { batch, frames, height, width } = grid;
    const images = batch * frames;
    return {
      origin: this.#ramp(height, [1, height, 1, 1]),
      start: this.#table(
        `time ${images} ${height} ${width} ${frames} ${grid.segments}`,
        [images, 1, width, this.taps],
        (image, column, tap) => (image + this.#timeStep(image, tap, grid)) * height * width + column,
      ),
      stride: width,
      length: height,
    };
  }

  /** Second pass over the taps' own values `[N·H·W·taps, C]`, sliding along the width. Offsets `[N,H,W,taps]`. */
  slidingColumnsOfTaps({ batch, frames, height, width }: ClipGrid): SamplingLines {
    const images = batch * frames;
    return {
      origin: this.#ramp(width, [1, 1, width, 1]),
      start: this.#table(`taps ${images} ${height} ${width}`, [images, height, 1, this.taps], (image, row, tap) => {
        return (image * height + row) * width * this.taps + tap;
      }),
      stride: this.taps,
      length: width,
    };
  }

  /**
   * Lengthens every segment by its first and last frame repeated `reach` times, `[1, L+2·reach, L]`, so that
   * plain slices along time are clipped taps.
   */
  repeatEnds(length: number): tf.Tensor3D {
    const { reach } = this;
    return this.constants.get(`ends ${length} ${reach}`, () => {
      const padded = length + 2 * reach;
      const matrix = new Float32Array(padded * length);
      for (let t = 0; t < padded; t++) matrix[t * length + this.#clip(t - reach, length)] = 1;
      return tf.tensor3d(matrix, [1, padded, length]);
    });
  }

  /** Frames from this image to the one its tap reads. */
  #timeStep(image: number, tap: number, { frames, segments }: ClipGrid): number {
    const length = frames / segments;
    const t = image % length;
    return this.#clip(t + tap - this.reach, length) - t;
  }

  #clip(index: number, length: number): number {
    return Math.min(Math.max(index, 0), length - 1);
  }

  #ramp(length: number, shape: number[]): tf.Tensor {
    return this.constants.get(`ramp ${shape.join(' ')}`, () => tf.reshape(tf.range(0, length, 1, 'float32'), shape));
  }

  /** An int32 table over images, lines and taps; one of the two middle axes has length 1. */
  #table(
    key: string,
    shape: [number, number, number, number],
    row: (image: number, line: number, tap: number) => number,
  ) {
    return this.constants.get(`${key} ${this.taps}`, () => {
      const [images, height, width, taps] = shape;
      const lines = height * width;
      const values = new Int32Array(images * lines * taps);
      for (let i = 0, image = 0; image < images; image++) {
        for (let line = 0; line < lines; line++) {
          for (let tap = 0; tap < taps; tap++) values[i++] = row(image, line, tap);
        }
      }
      return tf.tensor(values, shape, 'int32');
    });
  }
}
