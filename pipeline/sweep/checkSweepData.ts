import { join } from 'node:path';
import { openDataRoot } from '../data/dataRoot.js';
import { readSplits } from '../data/splits.js';
import { projectFolder } from '../projectFolder.js';
import { UserError } from '../userError.js';
import type { PlannedRun } from './sweepPlan.js';

/**
 * Opens the data roots and splits of all runs once. Where none can be read, each run would fail, one after the other and
 * each after the time that starting takes; one run among others that fails is that run's own affair.
 * @throws UserError saying what is wrong
 */
export async function checkSweepData(runs: readonly Pick<PlannedRun, 'dataRoot'>[]): Promise<void> {
  const wrong = new Set<string>();
  for (const root of new Set(runs.map(({ dataRoot }) => dataRoot)))
    try {
      const { path } = await openDataRoot(root);
      await readSplits(path, join(projectFolder, 'splits'));
      return;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      wrong.add(error.message);
    }
  throw new UserError([...wrong].join('\n'));
}
