import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';

/**
 * Clips as the model takes them, int32 `[count,T,H,W,3]` of 0..255, from uint8 bytes in that order.
 * They stay integers up to here: a quarter of the bytes of float32 on their way between threads.
 */
export function clipTensor(clips: Uint8Array, count: number, config: StfConfig): tf.Tensor5D {
  const { num_frames: frames, img_size: size, in_channels: channels } = config;
  const bytes = count * frames * size * size * channels;
  if (!(clips instanceof Uint8Array) || clips.length !== bytes) {
    throw new RangeError(
      `Expected Uint8Array [${count},${frames},${size},${size},${channels}] of ${bytes} bytes for clips but received ` +
        `${clips?.length} of type ${clips?.constructor.name}`,
    );
  }
  return tf.tensor5d(new Int32Array(clips), [count, frames, size, size, channels], 'int32');
}
