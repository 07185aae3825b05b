import type { HostTensor } from './hostTensor.js';

const averagePrefix = 'ema.';

/**
 * A checkpoint's weights with their moving averages in place where it has such (`ema_decay`): those are what was
 * validated and what `best` was chosen by. A frozen backbone has no averages and stays as it is.
 */
export function averagedWeights(tensors: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  const weights = new Map(tensors);
  for (const [name, tensor] of tensors) {
    if (name.startsWith(averagePrefix)) weights.set(name.slice(averagePrefix.length), tensor);
  }
  return weights;
}
