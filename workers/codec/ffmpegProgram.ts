import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join, resolve } from 'node:path';
import { CodecUnavailableError } from './codecUnavailableError.js';

/**
 * Path of the ffmpeg program: what FFMPEG_BIN says; else that of the package ffmpeg-static, if its download was not
 * left out at installation; else the first on PATH.
 *
 * @throws CodecUnavailableError when there is none, or FFMPEG_BIN names something that cannot be run
 */
export function ffmpegProgram(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment.FFMPEG_BIN;
  if (named) {
    if (isProgram(named)) return resolve(named);
    throw new CodecUnavailableError('ffmpeg', `FFMPEG_BIN names '${named}', which is not a program`);
  }
  const found = [packagedProgram(), ...onPath(environment)].find((path) => path !== null && isProgram(path));
  if (found) return found;
  throw new CodecUnavailableError(
    'ffmpeg',
    'neither FFMPEG_BIN nor the package ffmpeg-static nor PATH leads to ffmpeg',
  );
}

function packagedProgram(): string | null {
  try {
    return createRequire(import.meta.url)('ffmpeg-static') as string | null;
  } catch {
    return null; // optional
  }
}

const onPath = (environment: NodeJS.ProcessEnv): string[] =>
  (environment.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg'));

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
