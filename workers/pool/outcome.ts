import { type ClipPair, RecipeError } from '../synthesis/recipe.js';
import { SampleError } from '../synthesis/sampleError.js';

/** What making it cost the thread. */
export type ThreadUsage = {
  /** Memory that the thread holds now: heap and typed arrays. */
  heldBytes: number;
  /** CPU time of the task, where the platform can tell it for a thread. */
  cpuMs?: number;
};

/**
 * What a worker sends back. Structured cloning keeps an error's message and loses its class and fields, so failures
 * travel as plain data and anything that arrives as a real error means that the thread itself is gone.
 */
export type Outcome<R = ClipPair> = { usage?: ThreadUsage } & (
  | { kind: 'pair'; pair: R }
  | { kind: 'sample-error'; clip: string; stage: string; reason: string; retryable: boolean }
  | { kind: 'recipe-error'; message: string }
  | { kind: 'defect'; message: string; stack: string | undefined }
);

export function outcomeOfError(error: unknown): Outcome<never> {
  if (error instanceof SampleError)
    return {
      kind: 'sample-error',
      clip: error.clip,
      stage: error.stage,
      reason: error.reason,
      retryable: error.retryable,
    };
  if (error instanceof RecipeError) return { kind: 'recipe-error', message: error.message };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { kind: 'defect', message, stack };
}

/** What was made, or the error as it was thrown in the worker. */
export function unwrapOutcome<R>(outcome: Outcome<R>): R {
  if (outcome.kind === 'pair') return outcome.pair;
  if (outcome.kind === 'sample-error') {
    const { clip, stage, reason, retryable } = outcome;
    throw new SampleError(clip, stage, reason, { retryable });
  }
  if (outcome.kind === 'recipe-error') throw new RecipeError(outcome.message);
  const defect = new Error(outcome.message);
  if (outcome.stack !== undefined) defect.stack = outcome.stack;
  throw defect;
}
