import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { SynthesisTask } from '../synthesis/recipe.js';
import { synthesisePair } from '../synthesis/synthesisePair.js';
import { type Outcome, outcomeOfError } from './outcome.js';

/** Runs in a worker thread: makes one pair and hands its bytes over without copying them. */
export default async function synthesiseInWorker(task: SynthesisTask): Promise<unknown> {
  let outcome: Outcome;
  try {
    outcome = { kind: 'pair', pair: await synthesisePair(task) };
  } catch (error) {
    return outcomeOfError(error);
  }
  return move({
    get [transferableSymbol as never]() {
      return [outcome.pair.bytes.buffer];
    },
    get [valueSymbol as never]() {
      return outcome;
    },
  } as never);
}
