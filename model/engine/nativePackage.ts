import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** The N-API level that the addon is compiled for; node-pre-gyp looks for the addon in a folder named after it. */
export const NAPI_LEVEL = 8;

/** Folder of the installed `@tensorflow/tfjs-node-gpu`, whose C++ sources and JavaScript we use, not its binaries. */
export function nativePackageFolder(): string {
  return dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
}

export const TFJS_ADDON_FILE = 'tfjs_binding.node';
export const OWN_ADDON_FILE = 'stf_engine.node';

/** Where the package expects its compiled addon. */
export function addonPath(packageFolder: string = nativePackageFolder()): string {
  return join(packageFolder, 'lib', `napi-v${NAPI_LEVEL}`, TFJS_ADDON_FILE);
}

/** Where the addon with our own operations lies: beside the package's, so that what wipes one wipes both. */
export function ownAddonPath(packageFolder: string = nativePackageFolder()): string {
  return join(packageFolder, 'lib', `napi-v${NAPI_LEVEL}`, OWN_ADDON_FILE);
}

/** Where set-up writes what it chose. It lies beside the addon, so that what wipes one wipes both. */
export function engineRecordPath(packageFolder: string = nativePackageFolder()): string {
  return join(packageFolder, 'lib', `napi-v${NAPI_LEVEL}`, 'stf-engine.json');
}
