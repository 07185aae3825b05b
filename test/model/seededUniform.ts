import type { UniformSource } from '../../model/layers/initializers.js';

/** Reproducible draws from [0,1): a 32-bit linear congruential generator (Numerical Recipes), high bits only. */
export function seededUniform(seed = 1): UniformSource {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/** `count` draws from [−1,1). */
export function seededValues(count: number, seed = 1): Float32Array {
  const uniform = seededUniform(seed);
  return Float32Array.from({ length: count }, () => 2 * uniform() - 1);
}
