import { allocateBlock, freeBlock, memory } from '../simd/linearMemory.js';

type Block = { array: Uint8Array | Float32Array | Int32Array; address: number | null };

/**
 * Named buffers that outlive a clip, so that a worker takes its fifty megabytes once and not per sample. They lie in the
 * kernels' memory, where frames need not be copied to be worked on; beyond that memory's end, in memory of their own. A
 * clip borrows a workspace for as long as it is being made; clips in parallel in one thread get different ones.
 */
export class Workspace {
  static readonly #idle: Workspace[] = [];
  readonly #blocks = new Map<string, Block>();

  static borrow(): Workspace {
    return Workspace.#idle.pop() ?? new Workspace();
  }

  giveBack(): void {
    Workspace.#idle.push(this);
  }

  /** At least `length` bytes with whatever the last user left in them, cut to `length`. */
  bytes(name: string, length: number): Uint8Array {
    return this.#array(`bytes ${name}`, Uint8Array, length);
  }

  /** As `bytes`, for float32. */
  floats(name: string, length: number): Float32Array {
    return this.#array(`floats ${name}`, Float32Array, length);
  }

  /** As `bytes`, for int32. */
  integers(name: string, length: number): Int32Array {
    return this.#array(`integers ${name}`, Int32Array, length);
  }

  #array<A extends Uint8Array | Float32Array | Int32Array>(
    name: string,
    Type: {
      new (buffer: ArrayBuffer, offset: number, length: number): A;
      new (length: number): A;
      BYTES_PER_ELEMENT: number;
    },
    length: number,
  ): A {
    let block = this.#blocks.get(name);
    if (!block || block.array.length < length) {
      if (block?.address != null) freeBlock(block.address, block.array.byteLength);
      const address = allocateBlock(length * Type.BYTES_PER_ELEMENT);
      block = { array: address === null ? new Type(length) : new Type(memory.buffer, address, length), address };
      this.#blocks.set(name, block);
    }
    return block.array.subarray(0, length) as A;
  }
}
