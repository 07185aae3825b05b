import { stringify } from 'csv-stringify/sync';

/**
 * CSV (RFC 4180) with a header of `columns` and `rows` of cells or of records with these keys. Numbers in full precision,
 * cells without a value empty.
 */
export const csvText = (columns: readonly string[], rows: readonly (readonly unknown[] | object)[]): string =>
  stringify([...rows], {
    header: true,
    columns: [...columns],
    record_delimiter: 'windows',
    // By itself csv-stringify quotes a line break only where it is the one that ends rows.
    quoted_match: /[\r\n]/,
  });
