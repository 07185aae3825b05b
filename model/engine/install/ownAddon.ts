import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { kernelDigest, kernelFolder } from '../kernelSources.js';
import { NAPI_LEVEL, OWN_ADDON_FILE } from '../nativePackage.js';
import type { ProcessorLevel } from '../processorLevel.js';
import { COMPILE_FLAGS, headerFlags, linkFlags } from './addonFlags.js';
import type { Addon } from './compileAddon.js';
import { TENSORFLOW_VERSION, WHEEL_PLATFORM } from './enginePins.js';

/** The recorder of graphs, and the operations; each is one translation unit. */
const SOURCES = ['graph.cc', 'operations.cc'];

const FLAGS = [
  ...['-O3', ...COMPILE_FLAGS, '-DNAPI_CPP_EXCEPTIONS'],
  // A thread that is ended during a step can take no answer; without this the attempt would end the process.
  '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
  // Reductions marked `omp simd` may be reordered; nothing else is: -ffast-math would do away with NaN.
  ...['-fopenmp-simd', '-fno-math-errno', '-fno-trapping-math'],
  // TensorFlow's headers warn of their own deprecations.
  '-w',
];

/** The addon with our own operations and the recorder of graphs, for processors of a level. */
export function ownAddonOf(
  level: ProcessorLevel,
  libraryFolder: string,
  cache: string,
  sourceFolder: string = kernelFolder(),
): Addon {
  const flags = [...FLAGS, `-march=${level}`];
  const link = linkFlags(libraryFolder);
  const everything = [...flags, ...link, kernelDigest(sourceFolder)].join('\n');
  const digest = createHash('sha256').update(everything).digest('hex');
  const headers = dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json'));
  const { os } = WHEEL_PLATFORM;
  return {
    title: 'our own operations',
    folder: join(
      cache,
      `operations-tensorflow-${TENSORFLOW_VERSION}-napi${NAPI_LEVEL}-${os}-${level}-${digest.slice(0, 12)}`,
    ),
    file: OWN_ADDON_FILE,
    madeFrom: digest,
    sources: SOURCES.map((name) => [...flags, ...headerFlags(libraryFolder), '-I', headers, join(sourceFolder, name)]),
    link,
  };
}
