import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { PnCascade } from '../../../model/temporal/pnCascade.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';
import { stirredScope } from './stirredScope.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());

const narrow: StfConfig = {
  ...debug(),
  use_hydra: true,
  hydra_headdim: 4,
  num_heads: 2,
  stage1_dim: 4,
  stage2_dim: 8,
  stage3_dim: 12,
  stage4_dim: 12,
};
const mapWidths = [6, 8, 10];
const [batch, steps] = [2, 4];
const pooled = () =>
  mapWidths.map((width, i) => tf.tensor3d(seededValues(batch * steps * width, i + 1), [batch, steps, width]));
const flicker = () => tf.tensor1d([0.2, 0.4]);
const none = () => undefined;

function create(config: StfConfig) {
  const made = stirredScope();
  const cascade = new PnCascade(made.scope, mapWidths, config, constants);
  made.stir();
  return { ...made, cascade };
}

/** Stages that pass their input through leave the laterals and transitions, computed here by loops. */
function throughLaterals(parameters: ReadonlyMap<string, tf.Variable>, wavelet: number[], widths: number[]): number[] {
  const p = (name: string) => parameters.get(name)?.dataSync<'float32'>();
  const maps = pooled().map((map) => map.dataSync());
  const out: number[] = [];
  for (let row = 0; row < batch * steps; row++) {
    let tokens = wavelet.slice(row * widths[0], (row + 1) * widths[0]);
    widths.forEach((width, i) => {
      const transition = p(`trans${i + 1}.kernel`);
      if (transition) {
        const before = tokens;
        tokens = Array.from({ length: width }, (_, j) =>
          before.reduce((sum, v, k) => sum + v * transition[k * width + j], 0),
        );
      }
      if (i === 3) return;
      const map = [...maps[i].slice(row * mapWidths[i], (row + 1) * mapWidths[i])];
      const mean = map.reduce((sum, v) => sum + v, 0) / map.length;
      const variance = map.reduce((sum, v) => sum + (v - mean) ** 2, 0) / map.length;
      const [gamma, beta] = [p(`lateral${i + 1}.norm.gamma`)!, p(`lateral${i + 1}.norm.beta`)!];
      const [kernel, bias] = [p(`lateral${i + 1}.fc.kernel`)!, p(`lateral${i + 1}.fc.bias`)!];
      const norm = map.map((v, k) => ((v - mean) / Math.sqrt(variance + 1e-6)) * gamma[k] + beta[k]);
      tokens = tokens.map((v, j) => v + bias[j] + norm.reduce((sum, n, k) => sum + n * kernel[k * width + j], 0));
    });
    out.push(...tokens);
  }
  return out;
}

describe('PnCascade', () => {
  test.each<[string, Partial<StfConfig>, string[]]>([
    ['omits the fourth transition where widths are equal', {}, ['trans2.kernel', 'trans3.kernel']],
    ['has it where they differ', { stage4_dim: 4 }, ['trans2.kernel', 'trans3.kernel', 'trans4.kernel']],
    ['keeps the others even where widths are equal', { stage1_dim: 8 }, ['trans2.kernel', 'trans3.kernel']],
  ])('%s', (_, change, transitions) => {
    const config = { ...narrow, ...change };
    const { cascade, parameters, set } = create(config);
    expect([...parameters.keys()].filter((name) => name.startsWith('trans'))).toEqual(transitions);
    set(/(out_proj|wo)\./, 0);
    const widths = [config.stage1_dim, config.stage2_dim, config.stage3_dim, config.stage4_dim];
    const shape: [number, number, number] = [batch, steps, widths[0]];
    const wavelet = seededValues(batch * steps * widths[0], 9);
    const got = cascade.forward(pooled(), flicker(), none, tf.tensor3d(wavelet, shape));
    expect(got.shape).toEqual([batch, steps, widths[3]]);
    expect(largestDifference(numbersOf(got), throughLaterals(parameters, [...wavelet], widths))).toBeLessThan(2e-5);
    const without = cascade.forward(pooled(), flicker(), none);
    const zeros = Array(wavelet.length).fill(0);
    expect(largestDifference(numbersOf(without), throughLaterals(parameters, zeros, widths))).toBeLessThan(2e-5);
  });

  test('asks for masks stage by stage, each stage with its own number of blocks', () => {
    const blocks = { stage1_blocks: 1, stage2_blocks: 2, stage3_blocks: 3, stage4_blocks: 4 };
    const made = (change: Partial<StfConfig>) => create({ ...narrow, ...blocks, ...change });
    const names = (parameters: ReadonlyMap<string, tf.Variable>) =>
      new Set([...parameters.keys()].flatMap((name) => name.match(/^temporal\d\.(pn\.\d+|mamer)/)?.[0] ?? []));
    const count = ({ cascade }: ReturnType<typeof made>) => {
      let asked = 0;
      cascade.forward(pooled(), flicker(), () => void asked++ as undefined);
      return asked;
    };
    const plain = made({});
    expect(count(plain)).toBe(1 + 2 + 3 + 4);
    expect([...names(plain.parameters)]).toEqual(
      [1, 2, 3, 4].flatMap((stage) => Array.from({ length: stage }, (_, k) => `temporal${stage}.pn.${k}`)),
    );
    const mamer = made({ use_mamer: true });
    expect(count(mamer)).toBe(4 * 5);
    expect(names(mamer.parameters).size).toBe(4 * 4);
  });

  test('adaptation changes what the stages do with the flicker, clip by clip', () => {
    const { cascade, parameters } = create({ ...narrow, use_adaptive_sdim: true });
    expect(parameters.get('adaptive.gamma')!.shape).toEqual([]);
    parameters.get('adaptive.gamma')!.assign(tf.scalar(1));
    const at = (values: number[]) => numbersOf(cascade.forward(pooled(), tf.tensor1d(values), none));
    const [calm, mixed] = [at([0, 0]), at([0, 0.5])];
    const half = calm.length / 2;
    expect(largestDifference(mixed.slice(0, half), calm.slice(0, half))).toBeLessThan(1e-6);
    expect(largestDifference(mixed.slice(half), calm.slice(half))).toBeGreaterThan(1e-3);
  });
});
