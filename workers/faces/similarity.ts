/** `x' = a·x − b·y + tx`, `y' = b·x + a·y + ty`: turning, scaling and shifting. */
export type Similarity = { a: number; b: number; tx: number; ty: number };

/** The similarity that brings points `[n, 2]` closest to others in the sense of least squares (Umeyama, 1991). */
export function similarityBetween(from: ArrayLike<number>, to: ArrayLike<number>): Similarity {
  const points = from.length / 2;
  let [fromX, fromY, toX, toY] = [0, 0, 0, 0];
  for (let i = 0; i < from.length; i += 2) {
    fromX += from[i]!;
    fromY += from[i + 1]!;
    toX += to[i]!;
    toY += to[i + 1]!;
  }
  fromX /= points;
  fromY /= points;
  toX /= points;
  toY /= points;
  let [along, across, spread] = [0, 0, 0];
  for (let i = 0; i < from.length; i += 2) {
    const [x, y] = [from[i]! - fromX, from[i + 1]! - fromY];
    const [u, v] = [to[i]! - toX, to[i + 1]! - toY];
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  }
  const [a, b] = [along / spread, across / spread];
  return { a, b, tx: toX - (a * fromX - b * fromY), ty: toY - (b * fromX + a * fromY) };
}
