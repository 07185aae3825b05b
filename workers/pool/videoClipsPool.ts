import type { VideoClips, VideoClipsTask } from '../preprocessing/videoClips.js';
import { compiledModule } from './compiledModule.js';
import { SynthesisPool, type SynthesisPoolOptions } from './synthesisPool.js';

/** Threads that make clips to judge of video files: a `SynthesisPool` whose threads run `videoClips`. */
export const videoClipsPool = (
  options: Omit<SynthesisPoolOptions, 'workerFile'>,
): SynthesisPool<VideoClipsTask, VideoClips> =>
  new SynthesisPool({ ...options, workerFile: compiledModule('./videoClipsWorker.js', import.meta.url) });
