export type Point = readonly [x: number, y: number];

/**
 * Points that draw the same line at `columns` pixels of width: of each column the first, least, largest and last. A run of
 * 100 000 steps so becomes a path of a few thousand points, and no spike is lost, as it would be by taking every n-th.
 * Points must come with rising x. Breaks (y not finite) stay breaks.
 */
export function thinPoints(points: readonly Point[], columns: number): Point[] {
  if (points.length <= 4 * columns) return [...points];
  const first = points[0]![0];
  const width = points.at(-1)![0] - first;
  if (!(width > 0)) return [...points];
  const kept: Point[] = [];
  let column: number[] = [];
  const flush = () => {
    const finite = column.filter((i) => Number.isFinite(points[i]![1]));
    const extreme = (sign: number) =>
      finite.reduce((best, i) => (sign * points[i]![1] > sign * points[best]![1] ? i : best), finite[0]!);
    const gap = column.find((i) => !Number.isFinite(points[i]![1]));
    const chosen = new Set([...(gap === undefined ? [] : [gap])]);
    if (finite.length > 0) for (const i of [finite[0]!, extreme(-1), extreme(1), finite.at(-1)!]) chosen.add(i);
    for (const i of [...chosen].sort((a, b) => a - b)) kept.push(points[i]!);
    column = [];
  };
  let current = 0;
  points.forEach(([x], i) => {
    const here = Math.min(columns - 1, Math.floor(((x - first) / width) * columns));
    if (here !== current) flush();
    current = here;
    column.push(i);
  });
  flush();
  return kept;
}
