import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inflateInto } from '../../../workers/npz/inflateInto.js';

const data = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * i) & 255));
const compressed = deflateRawSync(data);

describe('inflateInto', () => {
  it('puts the result into the memory it is given', () => {
    const memory = new Uint8Array(data.length + 64);
    const result = inflateInto(compressed, memory, data.length + 63);
    expect(result.equals(data)).toBe(true);
    expect(result.buffer).toBe(memory.buffer);
  });

  it('goes on in new memory where that is too short', () => {
    const memory = new Uint8Array(100);
    const result = inflateInto(compressed, memory, data.length + 63);
    expect(result.equals(data)).toBe(true);
    expect(memory.every((v) => v === 0)).toBe(true);
  });

  it('refuses results that are too long and data that is cut off or damaged, in either memory', () => {
    for (const length of [100, data.length + 64]) {
      const code = (bytes: Uint8Array, most: number): unknown => {
        try {
          inflateInto(bytes, new Uint8Array(length), most);
          return 'no error';
        } catch (error) {
          return (error as NodeJS.ErrnoException).code;
        }
      };
      expect(code(compressed, data.length - 1)).toBe('ERR_BUFFER_TOO_LARGE');
      expect(code(compressed.subarray(0, 60), data.length + 63)).toBe('Z_BUF_ERROR');
      expect(code(Buffer.alloc(40, 0xff), data.length + 63)).toBe('Z_DATA_ERROR');
    }
  });
});
