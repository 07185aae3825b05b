import { z } from 'zod';
import { CheckpointError } from '../../model/index.js';
import type { Remedy } from '../training/remedy.js';

/** What a checkpoint remembers of the run beside weights and moments. Plain JSON. */
export type RunState = {
  readonly version: 1;
  phase: string;
  /** The resolved configuration, in the sections of the YAML files. */
  config: object;
  /** Optimiser steps done, and the epoch (from 0) of the last of them. */
  step: number;
  epoch: number;
  /** Length of the learning-rate schedule in optimiser steps. */
  scheduleSteps: number;
  stepsPerEpoch: number;
  /** Best validation AUC so far, and the step that reached it. */
  best: { auc: number; step: number } | null;
  /**
   * Of the latest validation, whether it was the best or not: by which temperature its logits have to be divided to be
   * probabilities, and how good they then are. Absent before the first.
   */
  calibration?: {
    temperature: number;
    pairs: number;
    nll: number;
    nll_uncalibrated: number;
    auc: number;
    step: number;
  };
  spentUsd: number;
  /** Seconds of wall and CPU time of all earlier stretches of the run. */
  wallSeconds: number;
  cpuSeconds: number;
  /** Samples asked for so far, and those that had to be replaced. */
  samples: number;
  failed: number;
  /** Steps skipped in a row up to this one, because loss or gradient was not finite. */
  skippedInARow?: number;
  /** Step of the latest validation whose result is part of this state. */
  validatedStep?: number;
  /** Returns to an earlier checkpoint so far; each has changed the settings (`remedied`). */
  remedies?: Remedy[];
  /** In how many parts micro-batches are computed, more than one once memory has run out. */
  parts?: number;
  /** Digest of the clips trained on, in their order: others would make other batches. */
  clipsDigest?: string;
  /** Clips already listed in quarantine.jsonl. */
  quarantined: string[];
  /** Which bytes the H.264 codec makes; absent where none is used. */
  codecDigest?: string;
  requestedDtype: string;
  effectiveDtype: 'float32' | 'bfloat16';
};

const count = z.int().nonnegative();
const amount = z.number().nonnegative();

/** What a run that goes on reads of a state; whatever else is in it travels on as it is. */
const schema = z.looseObject({
  version: z.literal(1),
  phase: z.string(),
  config: z.record(z.string(), z.unknown()).refine((sections) => Object.keys(sections).length > 0, {
    error: 'expected the settings of the run, received none',
  }),
  step: count,
  epoch: count,
  scheduleSteps: count,
  stepsPerEpoch: count,
  best: z.object({ auc: z.number(), step: count }).nullable(),
  spentUsd: amount,
  wallSeconds: amount,
  cpuSeconds: amount,
  samples: count,
  failed: count,
  skippedInARow: count.optional(),
  validatedStep: count.optional(),
  remedies: z.array(z.object({ failedStep: count, fromStep: count })).optional(),
  parts: z.int().positive().optional(),
  clipsDigest: z.string().optional(),
  quarantined: z.array(z.string()),
  codecDigest: z.string().optional(),
  requestedDtype: z.string(),
  effectiveDtype: z.enum(['float32', 'bfloat16']),
});

/**
 * The state that a checkpoint carries, checked.
 * @throws CheckpointError naming the file and every field that is not what a run writes
 */
export function runStateOf(state: object, file: string): RunState {
  const { success, data, error } = schema.safeParse(state);
  if (success) return data as RunState;
  const lines = error.issues.map(({ path, message }) => `  ${['state', ...path].join('.')}: ${message}`);
  throw new CheckpointError(`checkpoint ${file} does not hold the state of a run:\n${lines.join('\n')}`);
}
