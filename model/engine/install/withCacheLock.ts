import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { EngineError } from '../engineError.js';

/** A lock whose holder has not touched it for this long belongs to a process that died. */
const STALE_MS = 30_000;
const RETRY_MS = 500;

/**
 * Runs `work` while no other set-up works in the same cache, waiting for one that does.
 * @throws EngineError if the lock is lost on the way (a machine that slept); what is committed by then stays valid.
 */
export async function withCacheLock<T>(cache: string, say: (line: string) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(cache, { recursive: true });
  let lost: Error | undefined;
  const release = await acquire(cache, say, (error) => {
    lost = error;
  });
  try {
    const result = await work();
    if (lost) throw new EngineError(`another set-up took over (${lost.message}); run it again`, { cause: lost });
    return result;
  } finally {
    if (!lost) await release().catch(() => {});
  }
}

async function acquire(cache: string, say: (line: string) => void, onCompromised: (error: Error) => void) {
  for (let waiting = false; ; waiting = true) {
    try {
      return await lock(cache, {
        lockfilePath: join(cache, 'setup.lock'),
        realpath: false,
        stale: STALE_MS,
        onCompromised,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      if (!waiting) say('another set-up is at work in this cache; waiting for it');
      await delay(RETRY_MS);
    }
  }
}
