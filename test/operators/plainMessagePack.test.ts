import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { plainMessagePackFault } from '../../operators/plainMessagePack.js';

const pack = (value: unknown) => new Packr({ useRecords: false }).pack(value);
const bytes = (...values: number[]) => Uint8Array.from(values);

describe('plainMessagePackFault', () => {
  it('finds nothing wrong with what JSON can hold, and bytes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 300 }), (json, block) => {
        expect(plainMessagePackFault(pack({ json, block }))).toBeUndefined();
      }),
    );
    for (const number of [0, 127, 128, 255, 65_535, 65_536, 2 ** 32, 2 ** 53, -1, -32, -33, -129, -40_000, -1e10, 0.5])
      expect(plainMessagePackFault(pack([number, 'x'.repeat(70_000), new Uint8Array(70_000)]))).toBeUndefined();
    expect(plainMessagePackFault(pack(Array.from({ length: 70_000 }, () => ({}))))).toBeUndefined();
  });

  it('finds every cut, at the place where bytes are missing', () => {
    const whole = pack({ a: [1, 300, 70_000, -5, 1.5, null, true], text: 'ä'.repeat(40), block: new Uint8Array(300) });
    for (let cut = 0; cut < whole.length; cut++) {
      const fault = plainMessagePackFault(whole.subarray(0, cut));
      expect(fault, `cut at ${cut}`).toBeDefined();
      expect(fault!.offset).toBeLessThanOrEqual(cut);
    }
  });

  it.each([
    ['an extension', bytes(0xd4, 0x72, 0x40), 0, 'plain data', 'type 0xd4'],
    ['an extension within', bytes(0x92, 0x01, 0xc7, 0, 0x72), 2, 'plain data', 'type 0xc7'],
    ['the type that is never used', bytes(0xc1), 0, 'plain data', 'type 0xc1'],
    ['a number as key', bytes(0x81, 0x01, 0x01), 1, 'text as a key', '0x01'],
    ['a second value', bytes(0x01, 0x02), 1, 'the end of the value', '1 more bytes'],
    ['a list of four thousand million', bytes(0xdd, 255, 255, 255, 255), 5, 'a value', 'the end'],
    ['bytes beyond the end', bytes(0xc6, 255, 255, 255, 255, 1), 5, '4294967295 more bytes', 'the end after 1'],
  ])('finds %s', (_, data, offset, expected, found) => {
    expect(plainMessagePackFault(data)).toEqual({ offset, expected, found });
  });

  it('bounds depth, so that no file exhausts the stack', () => {
    expect(plainMessagePackFault(new Uint8Array(64).fill(0x91).with(63, 0xc0))).toBeUndefined();
    expect(plainMessagePackFault(new Uint8Array(1_000_000).fill(0x91))).toMatchObject({
      expected: 'at most 64 levels',
    });
    expect(plainMessagePackFault(new Uint8Array(0))).toMatchObject({ offset: 0, found: 'the end' });
  });
});
