import { parse } from 'csv-parse/sync';
import { UserError } from './userError.js';

/** Lines that people append may end otherwise than those before. */
const LINE_ENDS = ['\r\n', '\n', '\r'];

/**
 * Rows of a CSV file that people write, by the names of its first line.
 *
 * @param file for messages
 * @throws UserError where it is no CSV
 */
export function csvRecords(text: string, file: string): Record<string, string>[] {
  try {
    return parse(text, { columns: true, skip_empty_lines: true, trim: true, bom: true, record_delimiter: LINE_ENDS });
  } catch (error) {
    throw new UserError(`${file}: not a readable CSV file: ${(error as Error).message}`);
  }
}
