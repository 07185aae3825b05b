import { describe, expect, it } from 'vitest';
import { csvRecords } from '../../pipeline/csvRecords.js';
import { csvText } from '../../pipeline/csvText.js';
import { UserError } from '../../pipeline/userError.js';

describe('csvRecords', () => {
  it.each([
    ['\r\n', '\n'],
    ['\n', '\r\n'],
    ['\r\n', '\r'],
  ] as const)('reads lines appended with other ends than those before (%j, %j)', (ours, theirs) => {
    const written = csvText(['id', 'note'], [['a', 'one\r\nof two']], ours);
    expect(csvRecords(`${written}b,two${theirs}c,three${theirs}`, 'm.csv')).toEqual([
      { id: 'a', note: 'one\r\nof two' },
      { id: 'b', note: 'two' },
      { id: 'c', note: 'three' },
    ]);
  });

  it('names the file that is no CSV', () => {
    expect(() => csvRecords('id,note\na\n', 'm.csv')).toThrow(UserError);
    expect(() => csvRecords('id,note\na\n', 'm.csv')).toThrow(/^m\.csv: not a readable CSV file: .*line 2/);
  });
});
