import * as tf from '@tensorflow/tfjs';
import { ownOperation, ownOperationsInUse } from '../engine/ownOperations.js';
import { inFloat32 } from '../engine/recording/inFloat32.js';
import type { ClipGrid } from '../layers/clipGrid.js';
import { differentiable } from '../layers/differentiable.js';
import { linear } from '../layers/linear.js';
import type { ContourTaps } from './contourTaps.js';
import { type SamplingLines, sampleLines } from './sampleLines.js';

/**
 * How the taps of a slender kernel lie and by how much each slides sideways, offsets `[N,H,W,taps]` in pixels: along the
 * width sliding over rows, along the height sliding over columns, along time (inside their segment) sliding over rows
 * and then, each tap for its own position, over columns, or along time without sliding.
 */
export type TapMoves =
  | { along: 'width'; rows: tf.Tensor }
  | { along: 'height'; columns: tf.Tensor }
  | { along: 'time'; rows: tf.Tensor; columns: tf.Tensor }
  | { along: 'straightTime' };

/** The axes as StfContour numbers them. */
const AXES = { width: 0, height: 1, time: 2, straightTime: 3 } as const;

/**
 * Reads every tap of a slender kernel where it has slid to (see `sampleLines`) and contracts taps and channels.
 *
 * @param features rows `[N·H·W, r]` of `grid`
 * @param kernel `[taps·r, outputs]`, tap-major
 * @returns `[N·H·W, outputs]`
 * @throws RangeError where a line to slide on has no two elements
 */
export function slenderKernel(
  features: tf.Tensor2D,
  moves: TapMoves,
  kernel: tf.Tensor,
  taps: ContourTaps,
  grid: ClipGrid,
): tf.Tensor2D {
  const compute = ownOperationsInUse() ? fusedSlenderKernel : composedSlenderKernel;
  return compute(features, moves, kernel, taps, grid);
}

/** The values of the taps exist for a few rows at a time, so that nothing but the operands is kept for the gradient. */
function fusedSlenderKernel(
  features: tf.Tensor2D,
  moves: TapMoves,
  kernel: tf.Tensor,
  { taps }: ContourTaps,
  { frames, height, width, segments }: ClipGrid,
): tf.Tensor2D {
  const offsets = offsetsOf(moves);
  const int = (value: number) => ({ kind: 'int', value }) as const;
  const attributes = {
    passes: int(offsets.length),
    axis: int(AXES[moves.along]),
    run: int(frames / segments),
    height: int(height),
    width: int(width),
    taps: int(taps),
  };
  for (const length of [...('rows' in moves ? [height] : []), ...('columns' in moves ? [width] : [])]) {
    if (length < 2) {
      throw new RangeError(`Expected lines of at least 2 elements to interpolate on but received ${length}`);
    }
  }
  return differentiable<tf.Tensor2D>(
    [features, kernel, ...offsets],
    (save) => {
      const operands = [features, kernel, ...offsets];
      save(operands);
      return ownOperation('StfContour', attributes, operands, 1)[0] as tf.Tensor2D;
    },
    (dy, saved) => ownOperation('StfContourGradient', attributes, [dy, ...saved], saved.length),
  );
}

function composedSlenderKernel(
  features: tf.Tensor2D,
  moves: TapMoves,
  kernel: tf.Tensor,
  taps: ContourTaps,
  grid: ClipGrid,
): tf.Tensor2D {
  const { along } = moves;
  const values =
    along === 'straightTime'
      ? valuesThroughTime(features, taps, grid)
      : offsetsOf(moves).reduce<tf.Tensor2D>(
          (table, offsets, pass) => sampleLines(table, offsets, linesOf(along, pass, taps, grid)),
          features,
        );
  return linear(tf.reshape(values, [features.shape[0], -1]) as tf.Tensor2D, { kernel });
}

function offsetsOf(moves: TapMoves): tf.Tensor[] {
  return [...('rows' in moves ? [moves.rows] : []), ...('columns' in moves ? [moves.columns] : [])];
}

/** What the taps of a straight kernel along time read, `[runs,frames,H·W,taps·r]`. */
function valuesThroughTime(features: tf.Tensor2D, kernelTaps: ContourTaps, grid: ClipGrid): tf.Tensor {
  const { batch, frames, height, width, segments } = grid;
  const reduced = features.shape[1];
  const [runs, length, pixels] = [batch * segments, frames / segments, height * width];
  const lines = tf.reshape(features, [runs, length, pixels * reduced]);
  const lengthened = inFloat32(() =>
    tf.reshape(tf.matMul(kernelTaps.repeatEnds(length), lines), [runs, -1, pixels, reduced]),
  );
  const tapOf = (tap: number) => tf.slice(lengthened, [0, tap, 0, 0], [runs, length, pixels, reduced]);
  return tf.concat(
    Array.from({ length: kernelTaps.taps }, (_, tap) => tapOf(tap)),
    3,
  );
}

function linesOf(
  along: Exclude<TapMoves['along'], 'straightTime'>,
  pass: number,
  taps: ContourTaps,
  grid: ClipGrid,
): SamplingLines {
  if (along === 'width') return taps.slidingRows(grid);
  if (along === 'height') return taps.slidingColumns(grid);
  return pass === 0 ? taps.slidingRowsThroughTime(grid) : taps.slidingColumnsOfTaps(grid);
}
