import { join } from 'node:path';
import { defaultIfEmpty, lastValueFrom, tap } from 'rxjs';
import { consume, flowCredits, orderedMap, pull } from '../../operators/index.js';
import { InspectionPool } from '../../workers/index.js';
import { CountProgress } from '../countProgress.js';
import { openDataRoot } from '../data/dataRoot.js';
import { loadSplits } from '../data/splits.js';
import { projectFolder } from '../projectFolder.js';
import { UserError } from '../userError.js';
import { type SplitsRead, Verification, type VerificationReport } from './verificationReport.js';

export type VerifyOptions = {
  /** Threads that read clips. */
  threads: number;
  length: VerificationReport['length'];
};

/**
 * Reads every clip of a data root in parallel threads.
 * @throws UserError when there is nothing to verify.
 */
export async function verifyDataRoot(path: string, { threads, length }: VerifyOptions): Promise<VerificationReport> {
  const data = await openDataRoot(path, 'verify-data');
  const verification = new Verification(data, length);
  const { pairs } = verification;
  const splits = await splitsOf(data.path);
  const pool = new InspectionPool(Math.max(1, Math.min(threads, pairs.length)));
  const progress = new CountProgress('checked', pairs.length);
  try {
    const credits = flowCredits({ concurrency: pool.threads });
    await lastValueFrom(
      pull(pairs, credits).pipe(
        orderedMap((id, _, signal) => pool.inspect({ source: data.locate(id) }, { signal }), {
          concurrency: pool.threads,
        }),
        consume(async (clip) => verification.add(clip), { credits }),
        tap(() => progress.advance()),
        defaultIfEmpty(undefined),
      ),
    );
  } finally {
    progress.end();
    await pool.destroy();
  }
  return verification.report(splits, progress.seconds);
}

async function splitsOf(root: string): Promise<SplitsRead> {
  try {
    const splits = await loadSplits(root, join(projectFolder, 'splits'));
    return splits && { splits };
  } catch (error) {
    if (error instanceof UserError) return { error: error.message };
    throw error;
  }
}
