import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError } from '../engineError.js';
import { kernelDigest } from '../kernelSources.js';
import { addonPath, nativePackageFolder, ownAddonPath } from '../nativePackage.js';
import { type ProcessorLevel, processorLevel } from '../processorLevel.js';
import { cacheFolder } from './cacheFolder.js';
import { removePartialFolders } from './commitFolder.js';
import { type Addon, compileAddon, faultOfAddon } from './compileAddon.js';
import { type NativeVariant, PINNED_WHEELS, type PinnedWheel } from './enginePins.js';
import { fileDigest } from './fileDigest.js';
import { faultOfLibrary, installLibrary, libraryOf } from './installLibrary.js';
import type { Scrutiny } from './manifest.js';
import { ownAddonOf } from './ownAddon.js';
import { type Need, requireTools } from './prerequisites.js';
import { tfjsAddonOf } from './tfjsAddon.js';
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
  /** Where the sources of our own operations lie. */
  kernelFolder?: string;
};

/** What our own operations were compiled for and from, or why there are none: then their compositions are computed. */
export type OwnOperationsRecord = { level: ProcessorLevel; sources: string } | { missing: string };

/**
 * Puts libtensorflow and the compiled addons into the user's cache, if they are not there, and the addons into the
 * package's folder. What is there and whole is used; what broke off goes on; two at once wait for one another.
 * @throws EngineError if a tool is missing, a download or the compiler fails, or a wheel is not the pinned one.
 */
export async function installNativeEngine(options: InstallOptions): Promise<OwnOperationsRecord> {
  const { variant, scrutiny, say, env = process.env, packageFolder = nativePackageFolder() } = options;
  const cache = cacheFolder(env);
  const library = libraryOf(variant, cache, options.wheels ?? PINNED_WHEELS[variant]);
  const level = processorLevel();
  const addon = await tfjsAddonOf(packageFolder, library.folder, cache);
  const own = ownAddonOf(level, library.folder, cache, options.kernelFolder);
  const faults = async () => ({
    library: await faultOfLibrary(library, scrutiny),
    addon: await faultOfAddon(addon, scrutiny),
    own: await faultOfAddon(own, scrutiny),
  });

  const compiled = { level, sources: kernelDigest(options.kernelFolder) };
  let operations: OwnOperationsRecord = compiled;
  const found = await faults();
  if (Object.values(found).every((fault) => fault === undefined)) {
    say(`the engine lies whole in ${cache}${scrutiny === 'full' ? ' (every byte checked)' : ''}`);
  } else {
    await withCacheLock(cache, say, async () => {
      // Whoever held the lock before may have done the work.
      const { library: libraryFault, addon: addonFault, own: ownFault } = await faults();
      const needs: Need[] = [];
      if (libraryFault !== undefined) needs.push('download');
      if (libraryFault !== undefined || addonFault !== undefined) needs.push('compile');
      if (needs.length === 0 && ownFault === undefined) return;
      await requireTools(needs, env);
      const leftovers = await removePartialFolders(cache);
      if (leftovers.length > 0) say(`cleaned up after a set-up that broke off (${leftovers.length} folders)`);
      if (libraryFault !== undefined) {
        say(`${variant}: installing into ${library.folder} (${libraryFault})`);
        await installLibrary(library, env, say);
      }
      if (addonFault !== undefined) await compileAddon(addon, env, say);
      if (ownFault !== undefined) operations = (await compileOperations(own, env, say)) ?? compiled;
      await rm(library.downloads, { recursive: true, force: true });
    });
  }
  await place(addon, addonPath(packageFolder));
  if ('level' in operations) await place(own, ownAddonPath(packageFolder));
  else await rm(ownAddonPath(packageFolder), { force: true });
  return operations;
}

/**
 * The engine computes without operations of ours, slower; so a compiler that is missing or fails over them is not the
 * end.
 */
async function compileOperations(
  own: Addon,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<{ missing: string } | undefined> {
  try {
    await requireTools(['compile'], env);
    await compileAddon(own, env, say);
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    say(`going on without operations of our own, which is slower: ${error.message}`);
    return { missing: error.message.split('\n').slice(0, 2).join(' ') };
  }
}

/** Copies an addon to where it is loaded from, whole or not at all: a training run may be loading it. */
async function place({ folder, file }: Addon, target: string): Promise<void> {
  const source = join(folder, file);
  const present = await fileDigest(target).catch(() => undefined);
  if (present === (await fileDigest(source))) return;
  await mkdir(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}.partial`;
  await copyFile(source, temporary);
  await rename(temporary, target);
}
