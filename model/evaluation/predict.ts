import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { type StepFunction, StepRunner } from '../engine/recording/stepRunner.js';
import type { StfMamba } from '../stfMamba.js';
import { clipInput } from '../training/clipInput.js';
import { flickerRatio } from '../wavelet/bandEnergy.js';

export type Prediction = {
  /** Probability of being fake, in [0,1]. */
  probability: Float32Array;
  /** Share of the HLL band (temporal high, spatial low) in all bands, in [0,1]; 1/√8 for white noise. */
  hllRatio: Float32Array;
  /** Root mean square of the HLL band's coefficients. */
  hllEnergy: Float32Array;
};

/**
 * Scores `count` clips, uint8 RGB `[count,T,H,W,3]`, in float32.
 *
 * @param runner runs it as a recorded step where it can; eagerly unless given
 */
export function predict(
  model: StfMamba,
  config: StfConfig,
  clips: Uint8Array,
  count: number,
  runner: StepRunner = new StepRunner({ variables: () => [] }),
): Prediction {
  const input = clipInput(clips, count, config);
  const [probability, hllRatio, hllEnergy] = runner.run('score', [input], scoreStep(model));
  return { probability: probability!, hllRatio: hllRatio!, hllEnergy: hllEnergy! };
}

/** What scoring computes, from clips `[count,T,H,W,3]` of 0..255: the parts of a Prediction in their order. */
export const scoreStep =
  (model: StfMamba): StepFunction =>
  ([clips]) => {
    const { logits, hllEnergy, allBandEnergy } = model.forward(clips as tf.Tensor5D);
    return [
      tf.softmax(logits).slice([0, 1], [-1, 1]).reshape([-1]),
      flickerRatio(hllEnergy, allBandEnergy),
      tf.clone(hllEnergy),
    ];
  };
