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

/** A backbone keeps timm's names: there `weight` is a kernel, or the scale of a norm, which has one axis. */
const timmWeight = /^backbone\..*\bweight$/;

/**
 * Decay holds for matrices and convolution kernels and for nothing else: decaying norms, biases, A_log, D, time-step
 * biases or gates pulls them from values that mean something (Gu and Dao, 2023; Woo et al., 2023).
 */
const decays = (name: string, { rank }: tf.Variable) =>
  name === 'kernel' || name.endsWith('.kernel') || (timmWeight.test(name) && rank > 1);

/**
 * The trainable parameters, none of a frozen stage and no running statistics, in at most four groups. In order of
 * name, so that a saved state fits by names alone.
 */
export function parameterGroups(parameters: ReadonlyMap<string, tf.Variable>): ParameterGroup[] {
  const groups = new Map<string, ParameterGroup>();
  const trainable = [...parameters].filter(([, variable]) => variable.trainable);
  for (const [name, variable] of trainable.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [trunk, decay] = [trunkName.test(name), decays(name, variable)];
    const key = `${trunk} ${decay}`;
    const group = groups.get(key) ?? { names: [], variables: [], trunk, decay };
    groups.set(key, group);
    group.names.push(name);
    group.variables.push(variable);
  }
  return [...groups.values()];
}
