import { workerData } from 'node:worker_threads';
import type { SynthesisTask } from '../synthesis/recipe.js';
import { guardNativeSections, nativeSection } from './nativeSection.js';

export type SynthesisWorkerData = { gate: SharedArrayBuffer };

const { gate } = (workerData ?? {}) as Partial<SynthesisWorkerData>;
if (gate) guardNativeSections(gate);
// Only now, since this loads native libraries.
const [{ synthesisePair }, { answerTask }] = await nativeSection(() =>
  Promise.all([import('../synthesis/synthesisePair.js'), import('./answerTask.js')]),
);

/** Runs in a worker thread: makes one pair and hands its bytes over without copying them. */
export default (task: SynthesisTask): Promise<unknown> => answerTask(() => synthesisePair(task));
