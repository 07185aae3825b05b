import type { Initializer } from '../layers/initializers.js';

/** Step sizes are spread log-uniformly over this range at the start and never below the floor (Gu and Dao, 2023). */
const STEP_RANGE = [1e-3, 0.1] as const;
const STEP_FLOOR = 1e-4;

/** Biases of a step size `Δ = softplus(· + bias)` that is log-uniform over its range. */
export const inverseSoftplusSteps: Initializer = (shape, uniform) => {
  const [low, high] = STEP_RANGE.map(Math.log);
  return Float32Array.from({ length: shape[0] }, () => {
    const step = Math.max(Math.exp(low + (high - low) * uniform()), STEP_FLOOR);
    return step + Math.log(-Math.expm1(-step));
  });
};
