import { createRequire } from 'node:module';
import { join } from 'node:path';
import { NAPI_LEVEL } from '../nativePackage.js';

/** Flags for every source of an addon. */
export const COMPILE_FLAGS = ['-std=c++17', '-fPIC', `-DNAPI_VERSION=${NAPI_LEVEL}`];

/** The headers of TensorFlow and of Node, as options. */
export function headerFlags(libraryFolder: string): string[] {
  const { include_dir: napi } = createRequire(import.meta.url)('node-api-headers') as { include_dir: string };
  return ['-I', join(libraryFolder, 'tensorflow', 'include'), '-I', napi];
}

/** Links an addon to TensorFlow's libraries and leaves it to find them where they are kept. */
export function linkFlags(libraryFolder: string): string[] {
  const tensorflow = join(libraryFolder, 'tensorflow');
  return [
    '-shared',
    // Node unloads an addon when the worker thread that loaded it ends, but TensorFlow leaves handlers to be called at
    // exit: without this the process would jump into unmapped code.
    '-Wl,-z,nodelete',
    ...['-L', tensorflow, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    ...['-Xlinker', '-rpath', '-Xlinker', tensorflow],
  ];
}
