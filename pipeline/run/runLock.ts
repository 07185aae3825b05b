import { randomUUID } from 'node:crypto';
import { open, readFile, readlink, rm, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { writeAtomically } from '../../model/index.js';
import { UserError } from '../userError.js';

/** Who runs in a folder. */
type Owner = { pid: number; begun: string; machine: string; host: string; since: string; token: string };

export type RunLockOptions = {
  /** Told when it must first be seen whether a run on another machine is alive. */
  say?: (text: string) => void;
  /** An owner on another machine that gives no sign of life for so long is dead. Default 15 s. */
  silenceMs?: number;
};

const FILE = 'run.lock';
/** The owner's sign of life, for machines that cannot look at its process. */
const BEAT_MS = 3000;
const SILENCE_MS = 15_000;

/**
 * Keeps two runs out of one folder. The lock dies with its owner: on the same machine whoever comes next looks at the
 * owner's process (by number and starting time, so that a reused number does not count) and takes over at once, also
 * after a `kill -9`. For an owner on another machine, where the folder is on a network volume, it watches the file's
 * time of change, which a living owner renews; no clocks are compared.
 */
export class RunLock {
  readonly #beat: NodeJS.Timeout;

  private constructor(
    private readonly path: string,
    private readonly token: string,
  ) {
    this.#beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), BEAT_MS);
    this.#beat.unref();
  }

  /** @throws UserError when another run is in the folder. */
  static async take(folder: string, { say = () => {}, silenceMs = SILENCE_MS }: RunLockOptions = {}): Promise<RunLock> {
    const path = join(folder, FILE);
    for (;;) {
      const seen = await ownerOf(path);
      if (seen && (await isAlive(path, seen, say, silenceMs)))
        throw new UserError(
          `${folder} is in use by another run (process ${seen.pid} on ${seen.host}, since ${seen.since}); wait for its end, or give another --out`,
        );
      // Two that find the same dead owner must not both take over.
      const done = await lock(folder, {
        ...{ lockfilePath: `${path}.taking`, realpath: false, stale: 5000 },
        retries: { retries: 100, factor: 1, minTimeout: 100, maxTimeout: 100 },
      }).catch((error) => refuse(path, error));
      try {
        if ((await ownerOf(path))?.token !== seen?.token) continue;
        const me = await ownOwner();
        await writeAtomically(path, `${JSON.stringify(me)}\n`).catch((error) => refuse(path, error));
        return new RunLock(path, me.token);
      } finally {
        await done().catch(() => {});
      }
    }
  }

  async release(): Promise<void> {
    clearInterval(this.#beat);
    if ((await ownerOf(this.path))?.token === this.token) await rm(this.path, { force: true });
  }
}

function refuse(path: string, error: Error): never {
  throw new UserError(`--out: cannot lock ${path}: ${error.message}`, { cause: error });
}

async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner;
  } catch {
    return undefined; // not there; or damaged, and then it is nobody's
  }
}

async function ownOwner(): Promise<Owner> {
  return {
    pid: process.pid,
    begun: (await processState(process.pid))?.begun ?? '',
    machine: await machineName(),
    host: hostname(),
    since: new Date().toISOString(),
    token: randomUUID(),
  };
}

async function isAlive(path: string, owner: Owner, say: (text: string) => void, silenceMs: number): Promise<boolean> {
  if (owner.machine === (await machineName())) return isProcessAlive(owner);
  say(`a run on ${owner.host} was in this folder; waiting ${silenceMs / 1000} s to see whether it is alive`);
  const before = await changedAt(path);
  for (let waited = 0; waited < silenceMs; waited += 500) {
    await delay(500);
    if ((await changedAt(path)) !== before) return true;
  }
  return false;
}

/** Through a file handle: network file systems answer `stat` by name from a cache. */
async function changedAt(path: string): Promise<number | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  try {
    return (await handle?.stat())?.mtimeMs;
  } finally {
    await handle?.close();
  }
}

async function isProcessAlive({ pid, begun }: Owner): Promise<boolean> {
  if (begun !== '') return (await processState(pid))?.begun === begun;
  try {
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** When a process began, in ticks since the machine did; undefined when it has ended, or where there is no /proc. */
async function processState(pid: number): Promise<{ begun: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // Fields 3 and 22 of proc(5); the second, a name in brackets, may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return /[ZX]/.test(fields[0]!) ? undefined : { begun: fields[19]! };
}

/** Tells machines apart, and containers with process numbers of their own on one of them. */
async function machineName(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const processes = await readlink('/proc/self/ns/pid').catch(() => '');
  return `${hostname()} ${boot.trim()} ${processes}`;
}
