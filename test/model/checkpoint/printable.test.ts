import { describe, expect, it } from 'vitest';
import { printable } from '../../../model/checkpoint/printable.js';
import { valueText } from '../../../model/checkpoint/valueText.js';

describe('text of a file in a message', () => {
  it('stays as it is where it does no harm', () => {
    expect(printable('stages.0.blocks.1.größe "α" 脸 🙂')).toBe('stages.0.blocks.1.größe "α" 脸 🙂');
  });

  it('does not steer a terminal: C0, C1, direction marks, line ends, halves of characters, tags', () => {
    expect(printable('\u001b[2Ja\r\n')).toBe('"\\u001b[2Ja\\r\\n"');
    expect(printable('\u009b2J\u0085\u202e\u2028\u2066')).toBe('"\\u009b2J\\u0085\\u202e\\u2028\\u2066"');
    expect(printable('a\ud800')).toBe('"a\\ud800"');
    expect(printable('\u{e0041}')).toBe('"\\u{e0041}"');
  });

  it('is cut where it is long, before it is written out', () => {
    expect(printable('x'.repeat(1e6))).toBe(`${'x'.repeat(200)}…`);
    expect(printable('\u0007'.repeat(1e6)).length).toBeLessThan(2000);
  });
});

describe('a value of a file in a message', () => {
  it.each<[unknown, string]>([
    [[2, 3], '[2,3]'],
    [[], '[]'],
    [Array(300_000).fill(1), '[1,1,1,1,1,1,1,1,… (300000)]'],
    ['F\u001b8', '"F\\u001b8"'],
    [[['2'], null, '2', { a: 1 }], '[an array,null,"2",an object]'],
    [undefined, 'undefined'],
    [2n ** 64n, '18446744073709551616'],
    [new Map([[1, 2]]), 'a dictionary'],
    [Symbol('ignored'), 'Symbol(ignored)'],
  ])('%#: %s', (value, text) => {
    expect(valueText(value)).toBe(text);
  });

  it('is not descended into, however deep it is', () => {
    let deep: unknown[] = [];
    for (let i = 0; i < 200_000; i++) deep = [deep];
    expect(valueText(deep)).toBe('[an array]');
  });
});
