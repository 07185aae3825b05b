import { workerData } from 'node:worker_threads';
import type { PreprocessTask } from '../preprocessing/preprocessVideo.js';
import { guardNativeSections, nativeSection } from './nativeSection.js';
import type { SynthesisWorkerData } from './synthesisWorker.js';

const { gate } = (workerData ?? {}) as Partial<SynthesisWorkerData>;
if (gate) guardNativeSections(gate);
const [{ preprocessVideo }, { answerTask }] = await nativeSection(() =>
  Promise.all([import('../preprocessing/preprocessVideo.js'), import('./answerTask.js')]),
);

/** Runs in a worker thread: cuts a video's faces out and hands their bytes over without copying them. */
export default (task: PreprocessTask): Promise<unknown> => answerTask(() => preprocessVideo(task));
