import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import { z } from 'zod';
import { writeAtomically } from '../../model/index.js';
import { UserError } from '../userError.js';

/** How a run of the sweep stands. `running` in a state that is read back means that the sweep itself was killed. */
export type RunStatus = 'pending' | 'running' | 'done' | 'failed' | 'interrupted' | 'no_money';

/** What was asked of a run the last time; more of it makes a finished run go on. */
export type RunLimits = { budget?: number; maxSteps?: number; epochs?: number };

export type RunRecord = {
  status: RunStatus;
  /** A run goes on only as what it was. */
  settings: Record<string, unknown>;
  limits: RunLimits;
  /** Money by this sweep's own clock: start-up and what a killed run did not come to log are paid for too. */
  meteredUsd: number;
  /** What evaluating it has cost, which is no part of the run. */
  evaluationUsd?: number;
  /** Of the process that trains or trained. */
  pid?: number;
  exitCode?: number | null;
  /** Which checkpoint was evaluated last, by its step, and on what. */
  evaluated?: { split: string; step: number | null };
  /** Why it failed, in its own words. */
  error?: string;
};

type Content = { version: 1; runs: Record<string, RunRecord> };

const schema = z.looseObject({
  version: z.literal(1),
  runs: z.record(
    z.string(),
    z.looseObject({
      status: z.enum(['pending', 'running', 'done', 'failed', 'interrupted', 'no_money']),
      settings: z.record(z.string(), z.unknown()),
      limits: z.looseObject({
        budget: z.number().optional(),
        maxSteps: z.number().optional(),
        epochs: z.number().optional(),
      }),
      meteredUsd: z.number(),
      evaluationUsd: z.number().optional(),
      pid: z.int().optional(),
      exitCode: z.int().nullable().optional(),
      evaluated: z.looseObject({ split: z.string(), step: z.number().nullable() }).optional(),
      error: z.string().optional(),
    }),
  ),
});

const STATE = 'sweep.json';
/** A lock whose holder has not touched it for this long belongs to a process that died. */
const STALE_MS = 5_000;

/** What a sweep remembers between two calls: `sweep.json`, replaced whole at every change. */
export class SweepState {
  private constructor(
    readonly folder: string,
    private readonly content: Content,
    readonly release: () => Promise<void>,
  ) {}

  /** @throws UserError when another sweep is at work in the folder, or its state cannot be read. */
  static async open(folder: string): Promise<SweepState> {
    const file = join(folder, STATE);
    await mkdir(folder, { recursive: true }).catch((error: Error) => {
      throw new UserError(`--out: cannot write to ${folder}: ${error.message}`);
    });
    const release = await lock(folder, {
      lockfilePath: join(folder, 'sweep.lock'),
      realpath: false,
      stale: STALE_MS,
      // A machine that slept, or a network volume that did: no reason to end a run that costs money.
      onCompromised: () => {},
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ELOCKED') throw error;
      throw new UserError(
        `another sweep is at work in ${folder} (or was killed less than ${STALE_MS / 1000} s ago); wait for it, or give another --out`,
      );
    });
    try {
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw new UserError(`cannot read ${file}: ${error.message}`);
      });
      return new SweepState(folder, text === undefined ? { version: 1, runs: {} } : contentOf(text, file), release);
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** The record of a run, as it stands. */
  get(name: string): RunRecord | undefined {
    return this.content.runs[name];
  }

  async set(name: string, record: RunRecord): Promise<void> {
    this.content.runs[name] = record;
    await writeAtomically(join(this.folder, STATE), `${JSON.stringify(this.content, null, 2)}\n`);
  }
}

function contentOf(text: string, file: string): Content {
  const refuse = (what: string) => {
    throw new UserError(
      `${file}: expected the state of a sweep (${what}); move the file away to begin anew, or give another --out`,
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse((error as Error).message);
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data as Content;
  const { path, message } = error.issues[0]!;
  return refuse(`${path.join('.') || 'the file'}: ${message}`);
}
