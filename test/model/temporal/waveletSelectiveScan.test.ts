import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debug, type StfConfig } from '../../../model/config/stfConfig.js';
import { startEngine } from '../../../model/engine/startEngine.js';
import { ConstantCache } from '../../../model/layers/constantCache.js';
import { Hydra } from '../../../model/temporal/hydra.js';
import { WaveletSelectiveScan } from '../../../model/temporal/waveletSelectiveScan.js';
import { largestDifference, numbersOf } from '../differences.js';
import { seededValues } from '../seededUniform.js';
import { stirredScope } from './stirredScope.js';

beforeAll(async () => {
  await startEngine();
});
const constants = new ConstantCache();
afterAll(() => constants.dispose());

const config: StfConfig = { ...debug(), dwt_channels: 4, wss_dim: 6, hydra_headdim: 4 };
const [batch, coefficients, height, width, channels, scan, tokens] = [2, 3, 4, 5, 4, 6, 8];
const images = batch * coefficients;
const gateWidth = 7;
const size = images * height * width * channels;

type Given = { hll: Float32Array; hlh: Float32Array; hhh: Float32Array; attention: Float32Array };
const draw = (): Given => ({
  hll: seededValues(size, 1),
  hlh: seededValues(size, 2),
  hhh: seededValues(size, 3),
  attention: seededValues(images * height * width * gateWidth, 4).map((v) => 0.5 + 0.5 * v),
});
function inputOf({ hll, hlh, hhh, attention }: Given) {
  const band = (values: Float32Array) => tf.tensor4d(values, [images, height, width, channels]);
  return {
    bands: { hll: band(hll), hlh: band(hlh), hhh: band(hhh) },
    attention: tf.tensor2d(attention, [images * height * width, gateWidth]),
  };
}
function create(change: Partial<StfConfig> = {}) {
  const made = stirredScope();
  const wss = new WaveletSelectiveScan(made.scope, tokens, { ...config, ...change }, constants);
  made.stir();
  return { ...made, wss };
}

/** What a stream's mixer makes of a clip's normalised tokens, `[T/2][wss_dim]`. */
type Mixer = (stream: 'a' | 'b', tokens: number[][]) => number[][];
const silent: Mixer = (_, tokens) => tokens.map((token) => token.map(() => 0));

/** Hydras by themselves, with the weights that the scan has for them. */
function mixersOf(parameters: ReadonlyMap<string, tf.Variable>): Mixer {
  return (stream, tokens) => {
    const own = stirredScope();
    const hydra = new Hydra(own.scope, scan, config.d_state, config, constants);
    for (const [name, variable] of own.parameters) variable.assign(parameters.get(`${stream}_hydra.${name}`)!);
    const mixed = numbersOf(hydra.forward(tf.tensor3d([tokens])));
    return tokens.map((_, t) => mixed.slice(t * scan, (t + 1) * scan));
  };
}

/** The scan by loops, its mixers given. */
function byLoops(given: Given, parameters: ReadonlyMap<string, tf.Variable>, mix: Mixer): number[] {
  const p = (name: string) => parameters.get(name)!.dataSync<'float32'>();
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const apply = (x: number[], name: string) => {
    const [kernel, bias] = [p(`${name}.kernel`), p(`${name}.bias`)];
    return Array.from(bias, (b, j) => x.reduce((sum, v, i) => sum + v * kernel[i * bias.length + j], b));
  };
  const norm = (x: number[], name: string) => {
    const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
    const [gamma, beta] = [p(`${name}.gamma`), p(`${name}.beta`)];
    return x.map((v, i) => ((v - mean) / Math.sqrt(variance + 1e-6)) * gamma[i] + beta[i]);
  };
  /** x·Φ(x), the error function as its Maclaurin series (arguments here are below 4). */
  const gelu = (v: number) => {
    const z = v / Math.SQRT2;
    let [term, sum] = [z, z];
    for (let n = 1; n < 80; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (v / 2) * (1 + (2 / Math.sqrt(Math.PI)) * sum);
  };
  const pixel = (image: number, y: number, x: number) => (image * height + y) * width + x;
  const positions = Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);
  /** The mixer's result added to a clip's tokens, and what it and they are normalised by. */
  const mixed = (stream: 'a' | 'b', tokens: number[][], [before, after]: [string, string]) => {
    const added = mix(
      stream,
      tokens.map((token) => norm(token, before)),
    );
    return tokens.map((token, t) =>
      norm(
        token.map((v, c) => v + added[t][c]),
        after,
      ),
    );
  };
  const out: number[] = [];
  for (let b = 0; b < batch; b++) {
    const flickerTokens: number[][] = [];
    const textureTokens: number[][] = [];
    const frames = Array.from({ length: coefficients }, (_, t) => b * coefficients + t);
    /** HHH, then HLH, at one place. */
    const texture = (image: number, y: number, x: number, c: number) =>
      c < channels
        ? given.hhh[pixel(image, y, x) * channels + c]
        : given.hlh[pixel(image, y, x) * channels + c - channels];
    const amplitude = Array.from({ length: 2 * channels }, (_, c) => {
      const squares = frames.flatMap((image) => positions.map(([y, x]) => texture(image, y, x, c) ** 2));
      return Math.sqrt(squares.reduce((sum, v) => sum + v, 0) / squares.length);
    });
    const squeezed = apply(amplitude, 'se1').map((v) => Math.max(v, 0));
    const selection = apply(squeezed, 'se2').map(sigmoid);
    const [kernel, bias] = [p('conv.kernel'), p('conv.bias')];
    for (const image of frames) {
      const at = (c: number) => positions.map(([y, x]) => given.hll[pixel(image, y, x) * channels + c]);
      const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
      const bands = Array.from({ length: channels }, (_, c) => at(c));
      const statistics = [...bands.map(mean), ...bands.map((v) => Math.sqrt(mean(v.map((x) => x * x))))];
      flickerTokens.push(norm(apply(statistics, 'a_in'), 'a_norm1'));
      const pooled = new Array<number>(scan).fill(0);
      for (const [y, x] of positions) {
        const convolved = Array.from(bias, (sum, o) => {
          let value = sum;
          for (let dy = -1; dy <= 1; dy++)
            for (let dx = -1; dx <= 1; dx++) {
              const [row, column] = [y + dy, x + dx];
              if (row < 0 || column < 0 || row >= height || column >= width) continue;
              for (let c = 0; c < 2 * channels; c++) {
                const weight = kernel[(((dy + 1) * 3 + dx + 1) * 2 * channels + c) * scan + o];
                value += texture(image, row, column, c) * selection[c] * weight;
              }
            }
          return value;
        });
        const row = given.attention.subarray(pixel(image, y, x) * gateWidth, (pixel(image, y, x) + 1) * gateWidth);
        const location = mean([...row]);
        norm(convolved, 'conv_norm').forEach((v, o) => {
          pooled[o] += (gelu(v) * location) / (height * width);
        });
      }
      textureTokens.push(apply(pooled, 'b_in'));
    }
    const flicker = mixed('a', flickerTokens, ['a_norm2', 'a_norm3']);
    mixed('b', textureTokens, ['b_norm1', 'b_norm2']).forEach((seen, t) => {
      const gate = apply(flicker[t], 'gate').map(sigmoid);
      const fused = apply(
        seen.map((v, i) => v * gate[i]),
        'fuse',
      );
      out.push(...fused, ...fused); // a coefficient frame stands for two frames
    });
  }
  return out;
}

describe('WaveletSelectiveScan', () => {
  test('equals the scan by loops where its mixers are silent', () => {
    const { wss, parameters, set } = create();
    set(/hydra\.out_proj/, 0);
    const got = wss.forward(inputOf(draw()), batch);
    expect(got.shape).toEqual([batch, 2 * coefficients, tokens]);
    expect(largestDifference(numbersOf(got), byLoops(draw(), parameters, silent))).toBeLessThan(5e-5);
  });

  test('adds to normalised tokens what each mixer makes of them', () => {
    const { wss, parameters } = create();
    const got = numbersOf(wss.forward(inputOf(draw()), batch));
    expect(largestDifference(got, byLoops(draw(), parameters, mixersOf(parameters)))).toBeLessThan(5e-5);
  });

  test('each stream is mixed over time by a Hydra of its own', () => {
    /** How far the first frame moves when the last coefficient frame of the clip's HLL (a) or HHH (b) does. */
    const carriedBack = (band: 'hll' | 'hhh', mixer: 'a' | 'b') => {
      const { wss, parameters, set } = create();
      set(mixer === 'a' ? /b_hydra\.out_proj/ : /a_hydra\.out_proj/, 0);
      // Channel selection looks at the whole clip: hold it.
      set(/se2\.kernel/, 0);
      expect(parameters.get(`${mixer}_hydra.out_proj.kernel`)!.shape).toEqual([2 * scan, scan]);
      const first = (given: Given) => numbersOf(wss.forward(inputOf(given), batch)).slice(0, tokens);
      const changed = draw();
      const frame = size / images;
      for (let i = (coefficients - 1) * frame; i < coefficients * frame; i++)
        changed[band][i] = 0.3 - 2 * changed[band][i];
      return largestDifference(first(changed), first(draw()));
    };
    expect(carriedBack('hll', 'a')).toBeGreaterThan(1e-4);
    expect(carriedBack('hhh', 'b')).toBeGreaterThan(1e-4);
    expect(carriedBack('hll', 'b')).toBe(0);
    expect(carriedBack('hhh', 'a')).toBe(0);
  });

  test('a shut gate leaves the last bias alone', () => {
    const { wss, parameters, set } = create();
    set(/^gate\.bias/, -200);
    const bias = [...parameters.get('fuse.bias')!.dataSync()];
    const want = Array(batch * 2 * coefficients)
      .fill(bias)
      .flat();
    expect(largestDifference(numbersOf(wss.forward(inputOf(draw()), batch)), want)).toBeLessThan(1e-6);
  });

  test('without flicker and biases the gate is one half', () => {
    const { wss, parameters, set } = create();
    set(/bias$/, 0);
    set(/a_norm\d\.beta$/, 0);
    // Of a still band the amplitude is not 0 but the root of its 1e-12, which three norms raise to order one.
    const kernel = parameters.get('a_in.kernel')!;
    const meansOnly = Array.from({ length: 2 * channels }, (_, i) => (i < channels ? 1 : 0));
    kernel.assign(tf.mul(kernel, tf.tensor2d(meansOnly, [2 * channels, 1])));
    const still = { ...draw(), hll: new Float32Array(size) };
    const half = numbersOf(wss.forward(inputOf(still), batch));
    set(/^gate\.bias/, 200);
    const open = numbersOf(wss.forward(inputOf(still), batch));
    expect(Math.max(...open.map(Math.abs))).toBeGreaterThan(0.1);
    const doubled = half.map((v) => 2 * v);
    expect(largestDifference(doubled, open)).toBeLessThan(1e-5);
  });

  test('starts by adding nothing', () => {
    const made = stirredScope();
    const wss = new WaveletSelectiveScan(made.scope, tokens, config, constants);
    expect(new Set(numbersOf(wss.forward(inputOf(draw()), batch)))).toEqual(new Set([0]));
  });

  test('has d_state states, whatever the stages have, and the published names', () => {
    const { parameters } = create({ use_hydra: true, use_adaptive_sdim: true });
    expect(parameters.get('a_hydra.conv.bias')!.shape).toEqual([2 * scan + 4 * config.d_state]);
    const parts = new Set([...parameters.keys()].map((name) => name.split('.')[0]));
    expect([...parts].sort()).toEqual(
      [
        ...['a_in', 'a_norm1', 'a_norm2', 'a_norm3', 'a_hydra'],
        ...['se1', 'se2', 'conv', 'conv_norm', 'b_in', 'b_norm1', 'b_norm2', 'b_hydra', 'gate', 'fuse'],
      ].sort(),
    );
    expect(parameters.get('se1.kernel')!.shape).toEqual([8, 2]);
  });

  test('refuses wavelet channels that cannot be squeezed to a quarter', () => {
    expect(() => create({ dwt_channels: 3 })).toThrow('even number of wavelet channels but received 3');
  });
});
