/** Memory that the kernels read and write, one per thread: a stage for single calls, then an arena for workspaces. */

const PAGE = 65_536;
const MEBIBYTE = 2 ** 20;

/** Three frames of 2300x2300 RGB fit; a call takes what it needs and gives all of it back. */
const STAGE_BYTES = 64 * MEBIBYTE;
/** A workspace of 32 frames at 224x224 takes 50 MiB; workspaces that do not fit lie outside and are copied by frames. */
const ARENA_BYTES = 256 * MEBIBYTE;
/** Vector loads may read a little past the last pixel. */
const SLACK = PAGE;
/** Linear memory at address 0 is left alone, so that 0 can mean "none". */
const STAGE_START = PAGE;
const ARENA_START = STAGE_START + STAGE_BYTES;
const PAGES = (ARENA_START + ARENA_BYTES + SLACK) / PAGE;

/**
 * Of fixed size, because growing it would detach every view. The system hands out pages when they are first touched, so
 * what is never used costs address space only.
 */
export const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
const everything = new Uint8Array(memory.buffer);

type Bytes = Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

/** Arena blocks that were given back, by size; sizes are powers of two. */
const freeBlocks = new Map<number, number[]>();
let arenaTop = ARENA_START;

/**
 * A block of at least `bytes` bytes, or null where the arena is full.
 *
 * @returns its address, to be given to `freeBlock` with the same number of bytes
 */
export function allocateBlock(bytes: number): number | null {
  const size = blockSize(bytes);
  const free = freeBlocks.get(size)?.pop();
  if (free !== undefined) return free;
  if (arenaTop + size > ARENA_START + ARENA_BYTES) return null;
  arenaTop += size;
  return arenaTop - size;
}

export function freeBlock(address: number, bytes: number): void {
  const size = blockSize(bytes);
  const blocks = freeBlocks.get(size);
  if (blocks) blocks.push(address);
  else freeBlocks.set(size, [address]);
}

const blockSize = (bytes: number): number => 2 ** Math.ceil(Math.log2(Math.max(bytes, 4096)));

let stageTop = STAGE_START;
let stageMost = STAGE_START;
let outputs: { address: number; target: Uint8Array }[] = [];

/** How much of the memory nothing has been written to yet: the system has not handed that out, whatever V8 counts. */
export const untouchedBytes = (): number =>
  Math.max(0, ARENA_START - stageMost) + (ARENA_START + ARENA_BYTES - arenaTop);

/** Begins a kernel call: everything staged before is gone. Calls never overlap, since kernels run to their end. */
export function beginCall(): void {
  stageTop = STAGE_START;
  outputs = [];
}

/** Copies what was written to staged outputs to where it belongs. */
export function endCall(): void {
  for (const { address, target } of outputs) target.set(everything.subarray(address, address + target.length));
}

/** Room for `bytes` bytes until the next call, 16-byte aligned, whatever was there before in it. */
export function scratch(bytes: number): number {
  const address = stageTop;
  stageTop += (bytes + 79) & ~15; // 64 bytes apart, for vector loads past the end
  stageMost = Math.max(stageMost, stageTop);
  if (stageTop > ARENA_START)
    throw new RangeError(
      `Expected frames that fit into ${STAGE_BYTES / MEBIBYTE} MiB of working memory but this one takes more`,
    );
  return address;
}

/** Address of `length` elements from `offset` on; a copy where they lie outside linear memory. */
export function input(array: Bytes, offset = 0, length = array.length - offset): number {
  const { buffer, byteOffset, BYTES_PER_ELEMENT: width } = array;
  if (buffer === memory.buffer) return byteOffset + offset * width;
  const address = scratch(length * width);
  everything.set(new Uint8Array(buffer, byteOffset + offset * width, length * width), address);
  return address;
}

/** As `input` for elements that a kernel writes, of which it may leave some as they are. */
export function output(array: Bytes, offset = 0, length = array.length - offset): number {
  const address = input(array, offset, length);
  if (array.buffer !== memory.buffer) {
    const { buffer, byteOffset, BYTES_PER_ELEMENT: width } = array;
    outputs.push({ address, target: new Uint8Array(buffer, byteOffset + offset * width, length * width) });
  }
  return address;
}
