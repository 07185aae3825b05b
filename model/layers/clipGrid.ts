/** How the rows of a folded feature map `[B·T·H·W, C]` lie: samples, frames, image rows, image columns. */
export type ClipGrid = {
  readonly batch: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** Runs of contiguous frames; nothing that looks along time may cross from one into the next. */
  readonly segments: number;
};

/** The grid after a spatial reduction by `factor`. */
export function shrink(grid: ClipGrid, factor: number): ClipGrid {
  return { ...grid, height: grid.height / factor, width: grid.width / factor };
}
