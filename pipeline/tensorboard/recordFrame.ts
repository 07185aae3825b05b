import checksum from 'crc-32/crc32c.js';

const LENGTH_BYTES = 8;
const SUM_BYTES = 4;

/** Added to rotated sums, so that the sum of data that holds sums is no special case (tsl/lib/hash/crc32c.h). */
const MASK_DELTA = 0xa282ead8;

/** CRC-32C, rotated right by 15 bits, plus a constant modulo 2³². */
function maskedSum(bytes: Uint8Array): number {
  const sum = checksum.buf(bytes) >>> 0;
  return (((sum >>> 15) | (sum << 17)) + MASK_DELTA) >>> 0;
}

/**
 * A message as a record of a TFRecord file: length (uint64), sum of the length, message, sum of the message, numbers
 * with the low byte first (tensorflow/core/lib/io/record_writer.h).
 */
export function recordFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_BYTES + SUM_BYTES + message.length + SUM_BYTES);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(message.length), true);
  view.setUint32(LENGTH_BYTES, maskedSum(frame.subarray(0, LENGTH_BYTES)), true);
  frame.set(message, LENGTH_BYTES + SUM_BYTES);
  view.setUint32(frame.length - SUM_BYTES, maskedSum(message), true);
  return frame;
}
