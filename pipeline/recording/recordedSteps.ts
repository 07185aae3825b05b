import { readRecording } from '../../operators/index.js';
import type { MicroBatch } from '../training/microBatch.js';
import { batchOfRecording } from './recordedBatch.js';

/** Which micro-batch lies in which file. */
export type RecordingPlace = { file: string; step: number; micro: number };

/** The whole optimiser steps among recordings, in order, and the steps of which some micro-batches are missing. */
export type RecordedSteps = { steps: number[]; files: string[]; incomplete: number[] };

/**
 * Picks the steps that recordings hold wholly: an optimiser step is `gradAccum` micro-batches.
 *
 * @param most steps at most, from the first on
 */
export function planRecordedSteps(
  places: readonly RecordingPlace[],
  gradAccum: number,
  most = Number.POSITIVE_INFINITY,
): RecordedSteps {
  const byStep = new Map<number, Map<number, string>>();
  for (const { file, step, micro } of places) {
    const micros = byStep.get(step) ?? new Map<number, string>();
    byStep.set(step, micros.set(micro, file));
  }
  const plan: RecordedSteps = { steps: [], files: [], incomplete: [] };
  for (const [step, micros] of [...byStep].sort(([a], [b]) => a - b)) {
    const wanted = Array.from({ length: gradAccum }, (_, micro) => micros.get(micro));
    if (micros.size !== gradAccum || wanted.includes(undefined)) plan.incomplete.push(step);
    else if (plan.steps.length < most) {
      plan.steps.push(step);
      plan.files.push(...(wanted as string[]));
    }
  }
  return plan;
}

/** Reads the micro-batches of files one after the other, each when it is asked for. @throws RecordingError */
export async function* recordedMicroBatches(files: readonly string[]): AsyncGenerator<MicroBatch> {
  for (const file of files) yield batchOfRecording(file, await readRecording(file)).micro;
}
