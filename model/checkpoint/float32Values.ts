import { CheckpointError } from './checkpointError.js';
import type { HostTensor } from './hostTensor.js';

/** The numbers of a floating-point tensor as float32. @throws CheckpointError for integers */
export function float32Values({ dtype, data }: HostTensor, name: string): Float32Array {
  switch (dtype) {
    case 'F32':
      return data as Float32Array;
    case 'F64':
      return Float32Array.from(data as Float64Array);
    case 'BF16':
      return fromBfloat16(data as Uint16Array);
    case 'F16':
      return Float32Array.from(data as Uint16Array, halfPrecision);
    default:
      throw new CheckpointError(`${name}: expected floating-point numbers, received ${dtype}`);
  }
}

/** bfloat16 is the upper half of a float32. */
function fromBfloat16(patterns: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(patterns, (pattern) => pattern << 16).buffer);
}

/** IEEE 754 binary16: one sign bit, five of exponent (bias 15), ten of fraction. */
function halfPrecision(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >> 10) & 0x1f;
  const fraction = pattern & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
