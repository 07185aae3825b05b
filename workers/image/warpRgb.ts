/** Where pixels come from, on a grid over the picture; between its nodes the places are interpolated linearly. */
export type PlaceGrid = {
  columns: number;
  rows: number;
  /** (x, y) in the source for each node, `[rows, columns, 2]`; the first and last nodes lie on the picture's outermost pixels. */
  places: Float64Array;
};

/**
 * Draws one RGB frame from another of any size: each pixel is taken from the place that the grid names, bilinear, rounded
 * to the nearest level; places outside take the nearest pixel of the border.
 *
 * @param source `[sourceHeight, sourceWidth, 3]` from `from`
 * @param target `[height, width, 3]` from `to`, at least 2 pixels each way, as the grid has at least 2 nodes
 */
export function warpRgb(
  source: Uint8Array,
  from: number,
  sourceWidth: number,
  sourceHeight: number,
  target: Uint8Array,
  to: number,
  width: number,
  height: number,
  { columns, rows, places }: PlaceGrid,
): void {
  const stepX = (width - 1) / (columns - 1);
  const stepY = (height - 1) / (rows - 1);
  for (let y = 0, out = to; y < height; y++) {
    const row = Math.min(rows - 2, Math.floor(y / stepY));
    const down = y / stepY - row;
    for (let x = 0; x < width; x++, out += 3) {
      const column = Math.min(columns - 2, Math.floor(x / stepX));
      const along = x / stepX - column;
      const upper = (row * columns + column) * 2;
      const lower = upper + columns * 2;
      const fromX = mix(
        mix(places[upper]!, places[upper + 2]!, along),
        mix(places[lower]!, places[lower + 2]!, along),
        down,
      );
      const fromY = mix(
        mix(places[upper + 1]!, places[upper + 3]!, along),
        mix(places[lower + 1]!, places[lower + 3]!, along),
        down,
      );
      const placeX = Math.max(0, Math.min(sourceWidth - 1, fromX));
      const placeY = Math.max(0, Math.min(sourceHeight - 1, fromY));
      const left = Math.floor(placeX);
      const top = Math.floor(placeY);
      const [right, below] = [placeX - left, placeY - top];
      const a = from + (top * sourceWidth + left) * 3;
      const b = left + 1 < sourceWidth ? a + 3 : a;
      const next = top + 1 < sourceHeight ? sourceWidth * 3 : 0;
      for (let c = 0; c < 3; c++) {
        const above = mix(source[a + c]!, source[b + c]!, right);
        const under = mix(source[a + next + c]!, source[b + next + c]!, right);
        target[out + c] = Math.floor(mix(above, under, below) + 0.5);
      }
    }
  }
}

const mix = (a: number, b: number, share: number): number => a + (b - a) * share;
