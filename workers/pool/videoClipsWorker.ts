import { workerData } from 'node:worker_threads';
import type { VideoClipsTask } from '../preprocessing/videoClips.js';
import { guardNativeSections, nativeSection } from './nativeSection.js';
import type { SynthesisWorkerData } from './synthesisWorker.js';

const { gate } = (workerData ?? {}) as Partial<SynthesisWorkerData>;
if (gate) guardNativeSections(gate);
const [{ videoClips }, { answerTask }] = await nativeSection(() =>
  Promise.all([import('../preprocessing/videoClips.js'), import('./answerTask.js')]),
);

/** Runs in a worker thread: finds the faces of a video, cuts their clips and hands the bytes over without copying them. */
export default (task: VideoClipsTask): Promise<unknown> => answerTask(() => videoClips(task));
