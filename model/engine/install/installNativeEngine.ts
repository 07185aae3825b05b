import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addonPath, nativePackageFolder } from '../nativePackage.js';
import { cacheFolder } from './cacheFolder.js';
import { removePartialFolders } from './commitFolder.js';
import { ADDON_FILE, addonOf, compileAddon, faultOfAddon } from './compileAddon.js';
import { type NativeVariant, PINNED_WHEELS, type PinnedWheel } from './enginePins.js';
import { fileDigest } from './fileDigest.js';
import { faultOfLibrary, installLibrary, libraryOf } from './installLibrary.js';
import type { Scrutiny } from './manifest.js';
import { type Need, requireTools } from './prerequisites.js';
import { withCacheLock } from './withCacheLock.js';

export type InstallOptions = {
  variant: NativeVariant;
  /** `full` reads every installed byte again before it is trusted. */
  scrutiny: Scrutiny;
  say: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  /** Where `@tensorflow/tfjs-node-gpu` lies. */
  packageFolder?: string;
  wheels?: PinnedWheel[];
};

/**
 * Puts libtensorflow and the compiled addon into the user's cache, if they are not there, and the addon into the
 * package's folder. What is there and whole is used; what broke off goes on; two at once wait for one another.
 * @throws EngineError if a tool is missing, a download or the compiler fails, or a wheel is not the pinned one.
 */
export async function installNativeEngine(options: InstallOptions): Promise<void> {
  const { variant, scrutiny, say, env = process.env, packageFolder = nativePackageFolder() } = options;
  const cache = cacheFolder(env);
  const library = libraryOf(variant, cache, options.wheels ?? PINNED_WHEELS[variant]);
  const addon = await addonOf(packageFolder, library.folder, cache);
  const faults = async () => ({
    library: await faultOfLibrary(library, scrutiny),
    addon: await faultOfAddon(addon, scrutiny),
  });

  const found = await faults();
  if (found.library === undefined && found.addon === undefined) {
    say(`the engine lies whole in ${cache}${scrutiny === 'full' ? ' (every byte checked)' : ''}`);
  } else {
    await withCacheLock(cache, say, async () => {
      // Whoever held the lock before may have done the work.
      const { library: libraryFault, addon: addonFault } = await faults();
      const needs: Need[] = [];
      if (libraryFault !== undefined) needs.push('download');
      if (libraryFault !== undefined || addonFault !== undefined) needs.push('compile');
      if (needs.length === 0) return;
      await requireTools(needs, env);
      const leftovers = await removePartialFolders(cache);
      if (leftovers.length > 0) say(`cleaned up after a set-up that broke off (${leftovers.length} folders)`);
      if (libraryFault !== undefined) {
        say(`${variant}: installing into ${library.folder} (${libraryFault})`);
        await installLibrary(library, env, say);
      }
      if (addonFault !== undefined) await compileAddon(addon, env, say);
      await rm(library.downloads, { recursive: true, force: true });
    });
  }
  await placeAddon(join(addon.folder, ADDON_FILE), addonPath(packageFolder));
}

/** Copies the addon to where the package looks for it, whole or not at all: a training run may be loading it. */
async function placeAddon(source: string, target: string): Promise<void> {
  const present = await fileDigest(target).catch(() => undefined);
  if (present === (await fileDigest(source))) return;
  await mkdir(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}.partial`;
  await copyFile(source, temporary);
  await rename(temporary, target);
}
