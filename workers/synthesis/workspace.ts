/**
 * Named buffers that outlive a clip, so that a worker allocates its ten megabytes once and not per sample. A clip
 * borrows a workspace for as long as it is being made; clips in parallel in one thread get different ones.
 */
export class Workspace {
  static readonly #idle: Workspace[] = [];
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #floats = new Map<string, Float32Array>();

  static borrow(): Workspace {
    return Workspace.#idle.pop() ?? new Workspace();
  }

  giveBack(): void {
    Workspace.#idle.push(this);
  }

  /** At least `length` bytes with whatever the last user left in them, cut to `length`. */
  bytes(name: string, length: number): Uint8Array {
    let buffer = this.#bytes.get(name);
    if (!buffer || buffer.length < length) {
      buffer = new Uint8Array(length);
      this.#bytes.set(name, buffer);
    }
    return buffer.subarray(0, length);
  }

  /** As `bytes`, for float32. */
  floats(name: string, length: number): Float32Array {
    let buffer = this.#floats.get(name);
    if (!buffer || buffer.length < length) {
      buffer = new Float32Array(length);
      this.#floats.set(name, buffer);
    }
    return buffer.subarray(0, length);
  }
}
