import type * as tf from '@tensorflow/tfjs';
import type { StfConfig } from '../config/stfConfig.js';
import { StepRunner } from '../engine/recording/stepRunner.js';
import { engineDevice, graphRecorder } from '../engine/startEngine.js';

/**
 * What runs the steps of a configuration: recorded where `engine.step` asks for it and the engine can.
 *
 * @param variables all that the steps read or assign, asked for at the first step
 * @param say told why steps are not recorded, where they should be
 */
export function createStepRunner(
  config: Pick<StfConfig, 'engine'>,
  variables: () => readonly tf.Variable[],
  say?: (note: string) => void,
): StepRunner {
  const recorder = config.engine.step === 'recorded' ? graphRecorder() : undefined;
  if (config.engine.step === 'recorded' && !recorder)
    say?.('this engine records no steps: they run eagerly, which is slower');
  const { staging } = config.engine;
  return new StepRunner({
    variables,
    recorder,
    say,
    // In the CPU's own memory there is nowhere to copy to: it would only be copied once more.
    staging: staging === 'on' || (staging === 'auto' && engineDevice() === 'gpu'),
  });
}
