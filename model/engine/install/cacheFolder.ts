import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { EngineError } from '../engineError.js';

/**
 * Where engines are kept for all checkouts of this user: `$STF_CACHE`, else `$XDG_CACHE_HOME/stf-mamba`, else
 * `~/.cache/stf-mamba` (https://specifications.freedesktop.org/basedir-spec/latest/).
 * @throws EngineError if its path holds a colon, which ends a folder's name in a library search path.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const folder = env.STF_CACHE
    ? resolve(env.STF_CACHE)
    : join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'stf-mamba');
  if (folder.includes(':')) {
    throw new EngineError(`Expected a path without ':' for STF_CACHE but received '${folder}'`);
  }
  return folder;
}
