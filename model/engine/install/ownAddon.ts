import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

/** Where the C++ sources of our own operations lie: beside the TypeScript, which may have been compiled to dist/. */
export function kernelSources(): string {
  const folders = ['../../kernels/', '../../../../model/kernels/'];
  const found = folders.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return found.find((folder) => existsSync(join(folder, 'operations.cc'))) ?? found[0]!;
}

/** The addon with our own operations and the recorder of graphs, for processors of a level. */
export async function ownAddonOf(
  level: ProcessorLevel,
  libraryFolder: string,
  cache: string,
  sourceFolder: string = kernelSources(),
): Promise<Addon> {
  const flags = [...FLAGS, `-march=${level}`];
  const link = linkFlags(libraryFolder);
  const hash = createHash('sha256').update([...flags, ...link].join('\n'));
  const names = (await readdir(sourceFolder)).filter((name) => /\.(cc|h)$/.test(name));
  for (const name of names.sort()) hash.update(name).update(await readFile(join(sourceFolder, name)));
  const digest = hash.digest('hex');
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
