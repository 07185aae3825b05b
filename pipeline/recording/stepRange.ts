/** Optimiser steps from `from` to `to`, both included, counted from 1. */
export type StepRange = { readonly from: number; readonly to: number };

export const ALL_STEPS: StepRange = { from: 1, to: Number.POSITIVE_INFINITY };

export const inRange = ({ from, to }: StepRange, step: number): boolean => step >= from && step <= to;

/**
 * Reads `A..B`, `A..`, `..B` or a single step.
 * @throws RangeError
 */
export function parseStepRange(text: string): StepRange {
  const match = /^(\d*)\.\.(\d*)$/.exec(text);
  const [first, last] = match ? [match[1]!, match[2]!] : [text, text];
  const from = first === '' && match ? ALL_STEPS.from : Number(first || Number.NaN);
  const to = last === '' && match ? ALL_STEPS.to : Number(last || Number.NaN);
  if (!Number.isSafeInteger(from) || from < 1 || !(to >= from) || (match && first === '' && last === ''))
    throw new RangeError(`expected steps as A..B, A.., ..B or A, counted from 1, received "${text}".`);
  return { from, to };
}
