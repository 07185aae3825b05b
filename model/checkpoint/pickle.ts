import { CheckpointError } from './checkpointError.js';

/**
 * What the reader of a pickle allows: pickle is a program that may name and call anything, so names are looked up here
 * and calls are made here or not at all. Each of the three throws CheckpointError for what it does not know.
 */
export type PickleHost = {
  /** What `module.name` stands for. */
  global(module: string, name: string): unknown;
  /** The value of `callee(...args)`, callee being what `global` gave. */
  call(callee: unknown, args: readonly unknown[]): unknown;
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown;
};

/** The opcodes that PyTorch's and Python's own writers use for data (protocols 2 to 5), by their names in `pickletools`. */
const op = {
  MARK: 0x28,
  EMPTY_TUPLE: 0x29,
  STOP: 0x2e,
  POP: 0x30,
  BINBYTES: 0x42,
  SHORT_BINBYTES: 0x43,
  BINFLOAT: 0x47,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  NONE: 0x4e,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  BINSTRING: 0x54,
  SHORT_BINSTRING: 0x55,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  APPENDS: 0x65,
  BINGET: 0x68,
  LONG_BINGET: 0x6a,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  SETITEMS: 0x75,
  EMPTY_DICT: 0x7d,
  PROTO: 0x80,
  NEWOBJ: 0x81,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
  SHORT_BINUNICODE: 0x8c,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
  FRAME: 0x95,
} as const;

/** Of an operation that changes what is on the stack and puts nothing new there. */
const acted = Symbol('acted');
const newestProtocol = 5;
const longestInteger = 16;

/**
 * Reads one pickle without running anything in it. Tuples and lists become arrays, dictionaries Maps, integers beyond
 * 2⁵³ bigints. Attributes that a pickle sets on objects (BUILD) are read and dropped.
 *
 * @returns the value and the offset after its end
 * @throws CheckpointError naming the offset when the bytes are damaged, or use an opcode that data does not need
 */
export function readPickle(bytes: Uint8Array, start: number, host: PickleHost): { value: unknown; end: number } {
  return new PickleReader(bytes, start, host).read();
}

class PickleReader {
  readonly #view: DataView;
  #at: number;
  #stack: unknown[] = [];
  readonly #outer: unknown[][] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(
    private readonly bytes: Uint8Array,
    start: number,
    private readonly host: PickleHost,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
  }

  read(): { value: unknown; end: number } {
    for (;;) {
      const at = this.#at;
      const code = this.#uint8();
      if (code === op.STOP) return { value: this.#pop(), end: this.#at };
      const value = this.#perform(code, at);
      if (value !== acted) this.#stack.push(value);
    }
  }

  /** Carries out one operation; gives the value that it puts on the stack, or `acted`. */
  #perform(code: number, at: number): unknown {
    switch (code) {
      case op.PROTO: {
        const version = this.#uint8();
        if (version > newestProtocol) this.#fail(`pickle protocol ${version} is not known`, at);
        return acted;
      }
      case op.FRAME:
        this.#take(8);
        return acted;
      case op.MARK:
        this.#outer.push(this.#stack);
        this.#stack = [];
        return acted;
      case op.POP:
        this.#pop();
        return acted;
      case op.NONE:
        return null;
      case op.NEWTRUE:
        return true;
      case op.NEWFALSE:
        return false;
      case op.BININT:
        return this.#view.getInt32(this.#take(4), true);
      case op.BININT1:
        return this.#uint8();
      case op.BININT2:
        return this.#view.getUint16(this.#take(2), true);
      case op.LONG1:
        return this.#long(this.#uint8());
      case op.BINFLOAT:
        return this.#view.getFloat64(this.#take(8));
      case op.BINUNICODE:
      case op.BINSTRING:
        return this.#text(this.#uint32());
      case op.SHORT_BINUNICODE:
      case op.SHORT_BINSTRING:
        return this.#text(this.#uint8());
      case op.BINBYTES:
        return this.#slice(this.#uint32());
      case op.SHORT_BINBYTES:
        return this.#slice(this.#uint8());
      case op.EMPTY_TUPLE:
      case op.EMPTY_LIST:
        return [];
      case op.TUPLE1:
        return this.#popMany(1);
      case op.TUPLE2:
        return this.#popMany(2);
      case op.TUPLE3:
        return this.#popMany(3);
      case op.TUPLE:
        return this.#popToMark();
      case op.EMPTY_DICT:
        return new Map();
      case op.APPEND:
        return this.#append(this.#popMany(1));
      case op.APPENDS:
        return this.#append(this.#popToMark());
      case op.SETITEM:
        return this.#setItems(this.#popMany(2));
      case op.SETITEMS:
        return this.#setItems(this.#popToMark());
      case op.BINPUT:
        return this.#remember(this.#uint8());
      case op.LONG_BINPUT:
        return this.#remember(this.#uint32());
      case op.MEMOIZE:
        return this.#remember(this.#memo.size);
      case op.BINGET:
        return this.#recall(this.#uint8());
      case op.LONG_BINGET:
        return this.#recall(this.#uint32());
      case op.GLOBAL: {
        const [module, name] = [this.#line(), this.#line()];
        return this.host.global(module, name);
      }
      case op.STACK_GLOBAL: {
        const [module, name] = this.#popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string') this.#fail('expected the name of a global', at);
        return this.host.global(module, name);
      }
      case op.REDUCE:
      case op.NEWOBJ: {
        const [callee, args] = this.#popMany(2);
        if (!Array.isArray(args)) this.#fail('expected a tuple of arguments', at);
        return this.host.call(callee, args);
      }
      case op.BINPERSID:
        return this.host.persistent(this.#pop());
      case op.BUILD:
        this.#pop();
        this.#top();
        return acted;
      default:
        this.#fail(`opcode 0x${code.toString(16).padStart(2, '0')} is not one that weight files use`, at);
    }
  }

  #pop(): unknown {
    if (this.#stack.length === 0) this.#fail('the stack is empty');
    return this.#stack.pop();
  }

  #top(): unknown {
    if (this.#stack.length === 0) this.#fail('the stack is empty');
    return this.#stack[this.#stack.length - 1];
  }

  #popMany(count: number): unknown[] {
    if (this.#stack.length < count) this.#fail('the stack is empty');
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #popToMark(): unknown[] {
    const items = this.#stack;
    const outer = this.#outer.pop();
    if (!outer) this.#fail('there is no mark');
    this.#stack = outer;
    return items;
  }

  #append(items: unknown[]): typeof acted {
    const list = this.#top();
    if (!Array.isArray(list)) this.#fail('expected a list to append to');
    for (const item of items) list.push(item);
    return acted;
  }

  #setItems(items: unknown[]): typeof acted {
    const map = this.#top();
    if (!(map instanceof Map) || items.length % 2 !== 0) this.#fail('expected a dictionary and pairs for it');
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
    return acted;
  }

  #remember(key: number): typeof acted {
    this.#memo.set(key, this.#top());
    return acted;
  }

  #recall(key: number): unknown {
    if (!this.#memo.has(key)) this.#fail(`nothing was stored under ${key}`);
    return this.#memo.get(key);
  }

  /** Two's complement, little-endian. */
  #long(length: number): number | bigint {
    if (length > longestInteger) this.#fail(`an integer of ${length} bytes is longer than weight files have`);
    const at = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i]!);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #text(length: number): string {
    const bytes = this.#slice(length);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return this.#fail('expected UTF-8 text');
    }
  }

  #line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0) this.#fail('the file ends within a name');
    const text = this.#text(end - this.#at);
    this.#at = end + 1;
    return text;
  }

  #slice(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  #uint8(): number {
    return this.bytes[this.#take(1)]!;
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Moves on by `length` bytes; returns where they begin. */
  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.bytes.length) this.#fail('the file ends within a pickle');
    this.#at = at + length;
    return at;
  }

  #fail(problem: string, at = this.#at): never {
    throw new CheckpointError(`pickle, offset ${at}: ${problem}`);
  }
}
