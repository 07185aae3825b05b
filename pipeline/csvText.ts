import { stringify } from 'csv-stringify/sync';

/** A cell; `null` and `undefined` leave it empty. */
export type Cell = string | number | null | undefined;

/**
 * CSV (RFC 4180) with a header; numbers in full precision. `lineEnd` is the RFC's; a file to which people append lines by
 * hand is better off with `\n`.
 */
export const csvText = (
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  lineEnd: '\r\n' | '\n' = '\r\n',
): string => stringify([header, ...rows], { record_delimiter: lineEnd, quote_record_delimiter: true });
