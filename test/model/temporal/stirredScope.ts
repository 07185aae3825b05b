import * as tf from '@tensorflow/tfjs';
import { ParameterScope } from '../../../model/layers/parameterScope.js';
import { seededUniform, seededValues } from '../seededUniform.js';

/** A fresh scope with `set` and `stir` for what is created in it. */
export function stirredScope() {
  const scope = ParameterScope.root(seededUniform(2));
  const { parameters } = scope;
  return {
    scope,
    parameters,
    /** Fills every parameter whose name matches with one value. */
    set(name: RegExp, value: number) {
      const found = [...parameters].filter(([key]) => name.test(key));
      if (found.length === 0) throw new Error(`no parameter is named like ${name}`);
      for (const [, variable] of found) variable.assign(tf.fill(variable.shape, value));
    },
    /** Larger than at the start and nowhere constant, so that what should reach the output does so visibly. */
    stir(size = 0.5) {
      let seed = 50;
      for (const [name, variable] of parameters) {
        const centre = /(^|\.)(gamma|D)$/.test(name) ? 1 : 0;
        const values = seededValues(variable.size, seed++).map((v) => centre + size * v);
        variable.assign(tf.tensor(values, variable.shape));
      }
    },
  };
}
