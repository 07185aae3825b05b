import { access, constants, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { listRecordings } from '../../operators/index.js';
import { UserError } from '../userError.js';
import { ALL_STEPS, type StepRange } from './stepRange.js';

/** The options of the train command about recording. */
export type RecordOptions = {
  /** A folder; true: one of the run's own. */
  record?: string | true;
  recordSteps?: StepRange;
  recordMaxGb?: number;
};

/** Which micro-batches are recorded, where, and how much disk they may take. */
export type RecordPlan = { folder: string; steps: StepRange; maxBytes: number };

/** Decimal gigabytes that recordings may take unless `--record-max-gb` says otherwise: 130 of Phase A's batches of 16. */
const DEFAULT_MAX_GB = 10;

/**
 * @param ownFolder where `--record` without a folder records
 * @param resuming recordings that lie there already are then of the same run, which will write some of them again
 * @throws UserError
 */
export async function planRecording(
  { record, recordSteps, recordMaxGb = DEFAULT_MAX_GB }: RecordOptions,
  ownFolder: string,
  resuming: boolean,
): Promise<RecordPlan | undefined> {
  if (record === undefined) return undefined;
  const folder = resolve(record === true ? ownFolder : record);
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new UserError(`--record: cannot write to ${folder}: ${(error as Error).message}`);
  }
  const lying = await listRecordings(folder).catch(() => []);
  if (lying.length > 0 && !resuming)
    throw new UserError(`--record: ${folder} holds ${lying.length} recordings already; expected an empty folder`);
  return { folder, steps: recordSteps ?? ALL_STEPS, maxBytes: recordMaxGb * 1e9 };
}
