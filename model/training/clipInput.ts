import type { StfConfig } from '../config/stfConfig.js';
import type { StepInput } from '../engine/recording/stepRunner.js';

/**
 * Clips as they enter a step, uint8 `[count,T,H,W,3]`. They stay bytes up to the engine: a quarter of the bytes of
 * float32 on their way between threads.
 */
export function clipInput(clips: Uint8Array, count: number, config: StfConfig): StepInput {
  const { num_frames: frames, img_size: size, in_channels: channels } = config;
  const bytes = count * frames * size * size * channels;
  if (!(clips instanceof Uint8Array) || clips.length !== bytes) {
    throw new RangeError(
      `Expected Uint8Array [${count},${frames},${size},${size},${channels}] of ${bytes} bytes for clips but received ` +
        `${clips?.length} of type ${clips?.constructor.name}`,
    );
  }
  return { dtype: 'uint8', shape: [count, frames, size, size, channels], values: clips };
}
