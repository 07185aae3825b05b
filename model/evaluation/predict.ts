import * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import type { StfMamba } from '../stfMamba.js';
import { clipTensor } from '../training/clipTensor.js';
import { flickerRatio } from '../wavelet/bandEnergy.js';

export type Prediction = {
  /** Probability of being fake, in [0,1]. */
  probability: Float32Array;
  /** Share of the HLL band (temporal high, spatial low) in all bands, in [0,1]; 1/√8 for white noise. */
  hllRatio: Float32Array;
  /** Root mean square of the HLL band's coefficients. */
  hllEnergy: Float32Array;
};

/** Scores `count` clips, uint8 RGB `[count,T,H,W,3]`. */
export function predict(model: StfMamba, config: StfConfig, clips: Uint8Array, count: number): Prediction {
  const outputs = tf.tidy(() => {
    const { logits, hllEnergy, allBandEnergy } = model.forward(clipTensor(clips, count, config));
    return [
      tf.softmax(logits).slice([0, 1], [-1, 1]).reshape([count]),
      flickerRatio(hllEnergy, allBandEnergy),
      hllEnergy,
    ];
  });
  const [probability, hllRatio, hllEnergy] = outputs.map((tensor) => tensor.dataSync<'float32'>());
  tf.dispose(outputs);
  return { probability: probability!, hllRatio: hllRatio!, hllEnergy: hllEnergy! };
}
