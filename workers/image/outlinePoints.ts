/** `count` places along a closed polygon `[m, 2]`, equally far apart, the first at its first corner. */
export function outlinePoints(polygon: Float64Array, count: number): Float64Array {
  const corners = polygon.length / 2;
  const sides = Array.from({ length: corners }, (_, i) => {
    const j = (i + 1) % corners;
    const dx = polygon[2 * j]! - polygon[2 * i]!;
    const dy = polygon[2 * j + 1]! - polygon[2 * i + 1]!;
    return { i, dx, dy, length: Math.sqrt(dx * dx + dy * dy) };
  });
  const total = sides.reduce((sum, side) => sum + side.length, 0);
  const places = new Float64Array(count * 2);
  let side = 0;
  let before = 0;
  for (let k = 0; k < count; k++) {
    const along = (total * k) / count;
    while (side < corners - 1 && along > before + sides[side]!.length) before += sides[side++]!.length;
    const { i, dx, dy, length } = sides[side]!;
    const share = length > 0 ? (along - before) / length : 0;
    places[2 * k] = polygon[2 * i]! + share * dx;
    places[2 * k + 1] = polygon[2 * i + 1]! + share * dy;
  }
  return places;
}
