import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EngineError } from '../engineError.js';
import { NAPI_LEVEL } from '../nativePackage.js';
import { commitFolder } from './commitFolder.js';
import { WHEEL_PLATFORM } from './enginePins.js';
import { fileDigest } from './fileDigest.js';
import { faultOf, type Scrutiny, writeManifest } from './manifest.js';
import { lastLines, runTool } from './runTool.js';

/** The addon's file inside its folder of the cache. */
export const ADDON_FILE = 'tfjs_binding.node';
const SOURCES = ['tfjs_backend.cc', 'tfjs_binding.cc'];
const FLAGS = [
  ...['-O2', '-std=c++17', '-shared', '-fPIC', `-DNAPI_VERSION=${NAPI_LEVEL}`],
  // Node unloads an addon when the worker thread that loaded it ends, but TensorFlow leaves handlers to be called at
  // exit: without this the process would jump into unmapped code.
  '-Wl,-z,nodelete',
];

/** One build of the N-API addon: sources of `@tensorflow/tfjs-node-gpu`, linked to one library folder of the cache. */
export type Addon = { folder: string; madeFrom: string; packageFolder: string; libraryFolder: string };

/** Names the build of an addon after everything that goes into it, the path of its libraries included (its rpath). */
export async function addonOf(packageFolder: string, libraryFolder: string, cache: string): Promise<Addon> {
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const hash = createHash('sha256').update(FLAGS.join('\n')).update(libraryFolder);
  const binding = join(packageFolder, 'binding');
  for (const name of (await readdir(binding)).sort()) hash.update(name).update(await readFile(join(binding, name)));
  const digest = hash.digest('hex');
  const { os, arch } = WHEEL_PLATFORM;
  const name = `addon-tfjs-node-${version}-napi${NAPI_LEVEL}-${os}-${arch}-${digest.slice(0, 12)}`;
  return { folder: join(cache, name), madeFrom: digest, packageFolder, libraryFolder };
}

/** Why a compiled addon cannot be used as it lies, or undefined. */
export function faultOfAddon(addon: Addon, scrutiny: Scrutiny): Promise<string | undefined> {
  return faultOf(addon.folder, addon.madeFrom, scrutiny);
}

/**
 * Compiles the addon from the package's own C++ sources against the library's headers.
 * @throws EngineError with the compiler's last lines if it fails.
 */
export async function compileAddon(addon: Addon, env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<void> {
  say('compiling the addon with g++ (some ten seconds)');
  const tensorflow = join(addon.libraryFolder, 'tensorflow');
  const { include_dir: napiHeaders } = createRequire(import.meta.url)('node-api-headers') as { include_dir: string };
  await commitFolder(addon.folder, async (partial) => {
    const output = join(partial, ADDON_FILE);
    const { code, output: messages } = await runTool(
      'g++',
      [
        ...FLAGS,
        ...SOURCES.map((name) => join(addon.packageFolder, 'binding', name)),
        ...[join(tensorflow, 'include'), addon.packageFolder, napiHeaders].flatMap((folder) => ['-I', folder]),
        ...['-L', tensorflow, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
        ...['-Xlinker', '-rpath', '-Xlinker', tensorflow],
        ...['-o', output],
      ],
      env,
    );
    if (code !== 0) throw new EngineError(`g++ could not compile the addon:\n${lastLines(messages, 10)}`);
    await writeManifest(partial, addon.madeFrom, new Map([[ADDON_FILE, await fileDigest(output)]]));
  });
}
