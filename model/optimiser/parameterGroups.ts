import type * as tf from '@tensorflow/tfjs';

/** Parameters that the optimiser treats alike, in one flat vector each. */
export type ParameterGroup = {
  names: string[];
  variables: tf.Variable[];
  /** The part that pretrained weights may fill: stem, downsampling, backbone. */
  trunk: boolean;
  /** Whether weight decay applies. */
  decay: boolean;
};

const trunkName = /^(stem|down\d+|backbone)\./;

/**
 * Decay holds for matrices and convolution kernels, leaves named `kernel`, and for nothing else: decaying norms,
 * biases, A_log, D, time-step biases or gates pulls them from values that mean something (Gu and Dao, 2023; Woo et
 * al., 2023).
 */
const decays = (name: string) => name === 'kernel' || name.endsWith('.kernel');

/** The trainable parameters in at most four groups, in order of name, so that a saved state fits by names alone. */
export function parameterGroups(parameters: ReadonlyMap<string, tf.Variable>): ParameterGroup[] {
  const groups = new Map<string, ParameterGroup>();
  const trainable = [...parameters].filter(([, variable]) => variable.trainable);
  for (const [name, variable] of trainable.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [trunk, decay] = [trunkName.test(name), decays(name)];
    const key = `${trunk} ${decay}`;
    const group = groups.get(key) ?? { names: [], variables: [], trunk, decay };
    groups.set(key, group);
    group.names.push(name);
    group.variables.push(variable);
  }
  return [...groups.values()];
}
