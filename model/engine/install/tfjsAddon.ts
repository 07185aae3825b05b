import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NAPI_LEVEL, TFJS_ADDON_FILE } from '../nativePackage.js';
import { COMPILE_FLAGS, headerFlags, linkFlags } from './addonFlags.js';
import type { Addon } from './compileAddon.js';
import { WHEEL_PLATFORM } from './enginePins.js';

const SOURCES = ['tfjs_backend.cc', 'tfjs_binding.cc'];
const FLAGS = ['-O2', ...COMPILE_FLAGS];

/**
 * The addon of `@tensorflow/tfjs-node-gpu` from the package's own C++ sources, linked to one library folder of the
 * cache. Everything that goes into it names the build, the path of its libraries included (its rpath).
 */
export async function tfjsAddonOf(packageFolder: string, libraryFolder: string, cache: string): Promise<Addon> {
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const link = linkFlags(libraryFolder);
  const hash = createHash('sha256').update([...FLAGS, ...link].join('\n'));
  const binding = join(packageFolder, 'binding');
  for (const name of (await readdir(binding)).sort()) hash.update(name).update(await readFile(join(binding, name)));
  const digest = hash.digest('hex');
  const { os, arch } = WHEEL_PLATFORM;
  return {
    title: 'the addon',
    folder: join(cache, `addon-tfjs-node-${version}-napi${NAPI_LEVEL}-${os}-${arch}-${digest.slice(0, 12)}`),
    file: TFJS_ADDON_FILE,
    madeFrom: digest,
    sources: SOURCES.map((name) => [...FLAGS, ...headerFlags(libraryFolder), '-I', packageFolder, join(binding, name)]),
    link,
  };
}
