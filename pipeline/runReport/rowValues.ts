import type { Point } from '../report/thinPoints.js';
import type { Row } from './runRecord.js';

/** The number under a path of names; NaN where there is none (JSON stores what is not finite as null). */
export function numberAt(row: unknown, ...path: string[]): number {
  const value = valueAt(row, ...path);
  return typeof value === 'number' ? value : Number.NaN;
}

export function textAt(row: unknown, ...path: string[]): string | undefined {
  const value = valueAt(row, ...path);
  return typeof value === 'string' ? value : undefined;
}

export function valueAt(row: unknown, ...path: string[]): unknown {
  let value = row;
  for (const name of path) value = value && typeof value === 'object' ? (value as Row)[name] : undefined;
  return value;
}

/** The points (step, value) of a column. */
export const column = (rows: readonly Row[], name: string): Point[] =>
  rows.map((row) => [numberAt(row, 'step'), numberAt(row, name)]);
