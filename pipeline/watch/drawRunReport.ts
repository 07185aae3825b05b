import { readRunRecord } from '../runReport/runRecord.js';
import { runReportPage } from '../runReport/runReportPage.js';

/** Runs in a thread of its own: the log of a long run takes seconds to read, in which the flow would stand still. */
export default async function drawRunReport({ folder, summary }: { folder: string; summary: object }): Promise<string> {
  return runReportPage(await readRunRecord(folder, summary));
}
