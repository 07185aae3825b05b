import { filter, type MonoTypeOperatorFunction, type OperatorFunction } from 'rxjs';
import type { Credits } from './credits.js';

/**
 * `filter` inside a flow with credits: what it drops will never be consumed, so its credit is given back here.
 *
 * @example
 * results.pipe(keep((result) => result.ok, credits), batch(4))
 */
export function keep<T, S extends T>(predicate: (value: T) => value is S, credits: Credits): OperatorFunction<T, S>;
export function keep<T>(predicate: (value: T) => boolean, credits: Credits): MonoTypeOperatorFunction<T>;
export function keep<T>(predicate: (value: T) => boolean, credits: Credits): MonoTypeOperatorFunction<T> {
  return filter((value) => {
    if (predicate(value)) return true;
    credits.give();
    return false;
  });
}
