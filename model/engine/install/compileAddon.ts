import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../engineError.js';
import { commitFolder } from './commitFolder.js';
import { fileDigest } from './fileDigest.js';
import { faultOf, type Scrutiny, writeManifest } from './manifest.js';
import { lastLines, runTool } from './runTool.js';

/** One build of a native addon, in a folder of the cache that is named after everything that goes into it. */
export type Addon = {
  /** What it is, for messages. */
  title: string;
  folder: string;
  /** Its file inside the folder. */
  file: string;
  madeFrom: string;
  /** Arguments for g++ of each source by itself, the output left out; they are compiled side by side. */
  sources: string[][];
  /** Arguments for linking, objects and output left out. */
  link: string[];
};

/** Why a compiled addon cannot be used as it lies, or undefined. */
export function faultOfAddon(addon: Addon, scrutiny: Scrutiny): Promise<string | undefined> {
  return faultOf(addon.folder, addon.madeFrom, scrutiny);
}

/** @throws EngineError with the compiler's last lines if it fails. */
export async function compileAddon(addon: Addon, env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<void> {
  say(`compiling ${addon.title} with g++ (some ten seconds)`);
  const compile = async (args: string[]) => {
    const { code, output } = await runTool('g++', args, env);
    if (code !== 0) throw new EngineError(`g++ could not compile ${addon.title}:\n${lastLines(output, 10)}`);
  };
  await commitFolder(addon.folder, async (partial) => {
    const objects = addon.sources.map((_, i) => join(partial, `${i}.o`));
    // All end before the first fault is told: its message is the last thing that happens in the folder.
    const ends = await Promise.allSettled(addon.sources.map((args, i) => compile([...args, '-c', '-o', objects[i]!])));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    const output = join(partial, addon.file);
    await compile([...objects, ...addon.link, '-o', output]);
    for (const object of objects) await rm(object, { force: true });
    await writeManifest(partial, addon.madeFrom, new Map([[addon.file, await fileDigest(output)]]));
  });
}
