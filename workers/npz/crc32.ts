import * as zlib from 'node:zlib';
// Node 20.9 to 20.14 lack zlib.crc32; yauzl carries the same sum in JavaScript for them.
import portableCrc32 from 'yauzl/crc32.js';

const native = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32;

/** CRC-32 as zip archives store it. */
export const crc32: (bytes: Uint8Array) => number = native ?? portableCrc32;
