import { join } from 'node:path';
import { writeAtomically } from '../../model/index.js';
import { readRunRecord } from './runRecord.js';
import { runReportPage } from './runReportPage.js';

/**
 * Writes report.html from what a run has left in its folder.
 * @param file default: report.html in the folder
 * @returns the file and what could not be read
 * @throws UserError when the folder holds no run; the system's error when the file cannot be written
 */
export async function writeRunReport(
  folder: string,
  file = join(folder, 'report.html'),
): Promise<{ file: string; problems: readonly string[] }> {
  const record = await readRunRecord(folder);
  await writeAtomically(file, runReportPage(record));
  return { file, problems: record.problems };
}
