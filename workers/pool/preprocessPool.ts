import type { PreprocessedVideo, PreprocessTask } from '../preprocessing/preprocessVideo.js';
import { compiledModule } from './compiledModule.js';
import { SynthesisPool, type SynthesisPoolOptions } from './synthesisPool.js';

/** Threads that cut faces out of videos: a `SynthesisPool` whose threads run `preprocessVideo`. */
export const preprocessPool = (
  options: Omit<SynthesisPoolOptions, 'workerFile'>,
): SynthesisPool<PreprocessTask, PreprocessedVideo> =>
  new SynthesisPool({ ...options, workerFile: compiledModule('./preprocessWorker.js', import.meta.url) });
