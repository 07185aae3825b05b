import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { wholeNumber } from '../../../pipeline/commands/optionValues.js';

describe('wholeNumber', () => {
  it('takes what is one, of at least so much', () => {
    expect(wholeNumber(0)('0')).toBe(0);
    expect(wholeNumber(1)(' 12 ')).toBe(12);
  });
  it.each(['', ' ', '-1', '1.5', 'x', '1e99'])('refuses %j', (text) =>
    expect(() => wholeNumber(0)(text)).toThrow(InvalidArgumentError),
  );
});
