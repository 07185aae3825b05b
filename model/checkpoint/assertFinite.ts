import { CheckpointError } from './checkpointError.js';

/** Refuses numbers that are NaN or infinite: every score would be NaN, and nothing would say why. */
export function assertFinite(name: string, values: Float32Array): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw new CheckpointError(`${name}: expected finite numbers, received ${values[at]} as element ${at}`);
  }
}
