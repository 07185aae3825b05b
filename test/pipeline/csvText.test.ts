import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { csvText } from '../../pipeline/csvText.js';

describe('csvText', () => {
  it('ends rows as RFC 4180 says, and quotes what would end one or a cell', () => {
    expect(csvText(['a', 'b'], [['x', 'y,"z"']])).toBe('a,b\r\nx,"y,""z"""\r\n');
    for (const cell of ['one\nline', 'one\rline', 'one\r\nline'])
      for (const end of ['\r\n', '\n'] as const)
        expect(csvText(['a', 'b'], [[cell, 1]], end)).toBe(`a,b${end}"${cell}",1${end}`);
  });

  it('writes numbers in full precision, and nothing for what is not there', () => {
    const text = csvText(
      ['name', 'score'],
      [
        ['Zoë; 1', 0.1 + 0.2],
        [null, undefined],
      ],
    );
    expect(text).toBe('name,score\r\nZoë; 1,0.30000000000000004\r\n,\r\n');
    expect(parse(text, { columns: true })).toEqual([
      { name: 'Zoë; 1', score: '0.30000000000000004' },
      { name: '', score: '' },
    ]);
  });

  it('has its header where there is no row', () => {
    expect(csvText(['a', 'b'], [])).toBe('a,b\r\n');
  });
});
