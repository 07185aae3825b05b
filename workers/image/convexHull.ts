/**
 * Convex hull of points (x, y), counter-clockwise in mathematical axes, without collinear points (Andrew's monotone
 * chain, 1979).
 *
 * @param points `[n, 2]`
 * @returns `[m, 2]`
 */
export function convexHull(points: Float64Array): Float64Array {
  const count = points.length / 2;
  const order = Array.from({ length: count }, (_, i) => i).sort(
    (a, b) => points[2 * a]! - points[2 * b]! || points[2 * a + 1]! - points[2 * b + 1]!,
  );
  const chain: number[] = [];
  const turnsLeft = (a: number, b: number, c: number): boolean =>
    (points[2 * b]! - points[2 * a]!) * (points[2 * c + 1]! - points[2 * a + 1]!) -
      (points[2 * b + 1]! - points[2 * a + 1]!) * (points[2 * c]! - points[2 * a]!) >
    0;
  const coincide = (a: number, b: number): boolean =>
    points[2 * a] === points[2 * b] && points[2 * a + 1] === points[2 * b + 1];
  const extend = (indices: readonly number[]): void => {
    const base = chain.length;
    for (const index of indices) {
      if (chain.length > base && coincide(chain[chain.length - 1]!, index)) continue;
      while (chain.length >= base + 2 && !turnsLeft(chain[chain.length - 2]!, chain[chain.length - 1]!, index))
        chain.pop();
      chain.push(index);
    }
    chain.pop(); // the last point begins the other half
  };
  extend(order);
  extend(order.reverse());
  if (chain.length === 0 && count > 0) chain.push(order[0]!); // all points coincide
  const hull = new Float64Array(chain.length * 2);
  chain.forEach((index, i) => {
    hull[2 * i] = points[2 * index]!;
    hull[2 * i + 1] = points[2 * index + 1]!;
  });
  return hull;
}
