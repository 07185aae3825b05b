import type { FileHandle } from 'node:fs/promises';

/**
 * Cuts off the incomplete last line that a kill in the middle of a write leaves in a file of JSON lines, and returns the
 * file's length. A whole object that lacks only its newline is kept and gets one. The handle must be open for reading
 * and appending.
 *
 * @example
 * const length = await repairLastLine(await open('metrics.jsonl', 'a+'));
 */
export async function repairLastLine(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const tail: Buffer[] = [];
  let start = size;
  while (start > 0) {
    const block = Buffer.alloc(Math.min(65_536, start));
    await handle.read(block, 0, block.length, start - block.length);
    const newline = block.lastIndexOf(10);
    tail.unshift(block.subarray(newline + 1));
    start -= block.length - (newline + 1);
    if (newline >= 0) break;
  }
  if (start === size) return size;
  if (isJsonObject(Buffer.concat(tail).toString())) {
    await handle.appendFile('\n');
    return size + 1;
  }
  await handle.truncate(start);
  return start;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
