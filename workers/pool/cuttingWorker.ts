import { workerData } from 'node:worker_threads';
import type { CuttingTask } from '../synthesis/cutClips.js';
import { guardNativeSections, nativeSection } from './nativeSection.js';
import type { SynthesisWorkerData } from './synthesisWorker.js';

const { gate } = (workerData ?? {}) as Partial<SynthesisWorkerData>;
if (gate) guardNativeSections(gate);
const [{ cutClips }, { answerTask }] = await nativeSection(() =>
  Promise.all([import('../synthesis/cutClips.js'), import('./answerTask.js')]),
);

/** Runs in a worker thread: cuts a video's clips for scoring and hands their bytes over without copying them. */
export default (task: CuttingTask): Promise<unknown> => answerTask(() => cutClips(task));
