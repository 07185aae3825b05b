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
