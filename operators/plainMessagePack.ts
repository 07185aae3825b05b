/** Where MessagePack stops being plain, whole data. `found` and `expected` are for a message. */
export type MessagePackFault = { offset: number; expected: string; found: string };

/** Deeper than any header of ours, and far from what would exhaust the stack. */
const MAX_DEPTH = 64;

/**
 * Walks MessagePack bytes and says what keeps them from being exactly one plain value: nil, booleans, numbers, text,
 * bytes, lists, and maps with text for keys. Returns undefined when nothing does.
 *
 * A decoder may be given a file from anywhere only after this: msgpackr takes extension types as orders (0x72 defines a
 * record and compiles a reader for it) and trusts declared lengths. The walk allocates nothing, and its time is bounded
 * by the number of bytes whatever lengths they declare.
 */
export function plainMessagePackFault(bytes: Uint8Array): MessagePackFault | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let fault: MessagePackFault | undefined;

  const fail = (offset: number, expected: string, found: string): number => {
    fault ??= { offset, expected, found };
    return -1;
  };
  /** The position `length` bytes on, or -1 where the bytes end before. */
  const skip = (at: number, length: number): number =>
    at + length <= bytes.length
      ? at + length
      : fail(at, `${length} more bytes`, `the end after ${Math.max(0, bytes.length - at)}`);
  /** Reads the big-endian length of `width` bytes at `at`; -1 where the bytes end before. */
  const length = (at: number, width: 1 | 2 | 4): number => {
    if (skip(at, width) < 0) return -1;
    return width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at) : view.getUint32(at);
  };
  const sized = (at: number, width: 1 | 2 | 4): number => {
    const count = length(at, width);
    return count < 0 ? -1 : skip(at + width, count);
  };
  const items = (at: number, count: number, depth: number, keyed: boolean): number => {
    let next = at;
    for (let i = 0; i < count && next >= 0; i++) {
      if (keyed) next = key(next);
      if (next >= 0) next = value(next, depth + 1);
    }
    return next;
  };
  const counted = (at: number, width: 2 | 4, depth: number, keyed: boolean): number => {
    const count = length(at, width);
    return count < 0 ? -1 : items(at + width, count, depth, keyed);
  };
  const key = (at: number): number => {
    const marker = bytes[at];
    if (marker === undefined) return fail(at, 'a key', 'the end');
    const isText = (marker >= 0xa0 && marker <= 0xbf) || (marker >= 0xd9 && marker <= 0xdb);
    return isText ? value(at, 0) : fail(at, 'text as a key', hex(marker));
  };
  const value = (at: number, depth: number): number => {
    const marker = bytes[at];
    if (marker === undefined) return fail(at, 'a value', 'the end');
    if (depth > MAX_DEPTH) return fail(at, `at most ${MAX_DEPTH} levels`, 'a deeper one');
    const next = at + 1;
    if (marker <= 0x7f || marker >= 0xe0) return next; // small numbers
    if (marker <= 0x8f) return items(next, marker & 0x0f, depth, true);
    if (marker <= 0x9f) return items(next, marker & 0x0f, depth, false);
    if (marker <= 0xbf) return skip(next, marker & 0x1f);
    switch (marker) {
      case 0xc0: // nil
      case 0xc2:
      case 0xc3:
        return next;
      case 0xc4:
      case 0xd9:
        return sized(next, 1);
      case 0xc5:
      case 0xda:
        return sized(next, 2);
      case 0xc6:
      case 0xdb:
        return sized(next, 4);
      case 0xcc:
      case 0xd0:
        return skip(next, 1);
      case 0xcd:
      case 0xd1:
        return skip(next, 2);
      case 0xca:
      case 0xce:
      case 0xd2:
        return skip(next, 4);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return skip(next, 8);
      case 0xdc:
        return counted(next, 2, depth, false);
      case 0xdd:
        return counted(next, 4, depth, false);
      case 0xde:
        return counted(next, 2, depth, true);
      case 0xdf:
        return counted(next, 4, depth, true);
      default: // 0xc1 is never used; 0xc7-0xc9 and 0xd4-0xd8 are extensions
        return fail(at, 'plain data', `type ${hex(marker)}`);
    }
  };

  const end = value(0, 0);
  if (end >= 0 && end < bytes.length) fail(end, 'the end of the value', `${bytes.length - end} more bytes`);
  return fault;
}

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;
