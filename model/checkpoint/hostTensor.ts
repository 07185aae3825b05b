/** The number formats that checkpoints hold, by their safetensors names. */
const elementBytes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;

export type HostDtype = keyof typeof elementBytes;

/** A tensor in ordinary memory, row-major. F16 and BF16 are kept as their 16-bit patterns. */
export type HostTensor = {
  dtype: HostDtype;
  shape: number[];
  data: Float64Array | Float32Array | Uint16Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array;
};

export const bytesOf = (dtype: HostDtype): number => elementBytes[dtype];
export const isHostDtype = (name: unknown): name is HostDtype =>
  typeof name === 'string' && Object.hasOwn(elementBytes, name);

/** The number of elements of a shape; 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Views `bytes`, which must be aligned to the element size, as elements of `dtype`. */
export function viewAs(dtype: HostDtype, buffer: ArrayBufferLike, offset: number, count: number): HostTensor['data'] {
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer, offset, count);
    case 'F32':
      return new Float32Array(buffer, offset, count);
    case 'F16':
    case 'BF16':
      return new Uint16Array(buffer, offset, count);
    case 'I64':
      return new BigInt64Array(buffer, offset, count);
    case 'I32':
      return new Int32Array(buffer, offset, count);
    case 'I16':
      return new Int16Array(buffer, offset, count);
    case 'I8':
      return new Int8Array(buffer, offset, count);
    case 'U8':
    case 'BOOL':
      return new Uint8Array(buffer, offset, count);
  }
}

/** A float32 tensor of host memory. */
export const float32 = (shape: number[], data: Float32Array): HostTensor => ({ dtype: 'F32', shape, data });
