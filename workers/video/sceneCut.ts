import type { RgbPicture } from '../faces/predictShape.js';

/** A picture's brightness on a coarse grid: the means of samples in its cells, 0 to 255. */
const GRID = { columns: 16, rows: 9, samples: 4 };
/** Mean difference of brightness from frame to frame that a cut exceeds, of 255 levels … */
const LEAST_DIFFERENCE = 12;
/** … and how many times the usual difference around it, so that a swaying camera is no cut. */
const TIMES_USUAL = 5;

export function coarseBrightness({ data, width, height }: RgbPicture): Float32Array {
  const { columns, rows, samples } = GRID;
  const means = new Float32Array(columns * rows);
  for (let y = 0; y < rows * samples; y++)
    for (let x = 0; x < columns * samples; x++) {
      const v = Math.floor(((y + 0.5) * height) / (rows * samples));
      const u = Math.floor(((x + 0.5) * width) / (columns * samples));
      const at = 3 * (v * width + u);
      means[Math.floor(y / samples) * columns + Math.floor(x / samples)]! +=
        (data[at]! + data[at + 1]! + data[at + 2]!) / (3 * samples * samples);
    }
  return means;
}

/**
 * The first frame of a run that belongs to another scene than the one before it, or -1.
 * @param grids `coarseBrightness` of its frames, in order
 */
export function sceneCut(grids: readonly Float32Array[]): number {
  const differences = grids.slice(1).map((grid, t) => {
    let sum = 0;
    for (let i = 0; i < grid.length; i++) sum += Math.abs(grid[i]! - grids[t]![i]!);
    return sum / grid.length;
  });
  const usual = [...differences].sort((a, b) => a - b)[differences.length >> 1] ?? 0;
  const at = differences.findIndex((difference) => difference > LEAST_DIFFERENCE && difference > TIMES_USUAL * usual);
  return at < 0 ? -1 : at + 1;
}
