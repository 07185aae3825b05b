import { InvalidArgumentError } from 'commander';
import { parseStepRange, type StepRange } from '../recording/stepRange.js';

/* What the commands read from the text of an option; a wrong value is commander's error, exit code 2. */

export const wholeNumber = (least: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`expected a whole number of at least ${least}.`);
  return value;
};

/** A TCP port; 0: any that is free. */
export function port(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('expected a port, 0 to 65535.');
  return value;
}

/** A range of optimiser steps: `A..B`, `A..`, `..B` or `A`. */
export function stepRange(text: string): StepRange {
  try {
    return parseStepRange(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
