import { describe, expect, it } from 'vitest';
import portableCrc32 from 'yauzl/crc32.js';
import { crc32 } from '../../../workers/npz/crc32.js';

describe('crc32', () => {
  it('has the check value of CRC-32/ISO-HDLC, natively and in the fallback for early Node 20', () => {
    const text = Buffer.from('123456789');
    expect(crc32(text)).toBe(0xcbf43926);
    expect(portableCrc32(text)).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });
});
