import type { CutClips, CuttingTask } from '../synthesis/cutClips.js';
import { compiledModule } from './compiledModule.js';
import { SynthesisPool, type SynthesisPoolOptions } from './synthesisPool.js';

/** Threads that cut videos into clips to score: a `SynthesisPool` whose threads run `cutClips`. */
export const cuttingPool = (options: Omit<SynthesisPoolOptions, 'workerFile'>): SynthesisPool<CuttingTask, CutClips> =>
  new SynthesisPool({ ...options, workerFile: compiledModule('./cuttingWorker.js', import.meta.url) });
