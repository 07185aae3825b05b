/**
 * node digestKernels.mjs THREADS [graph]: runs every operation of ours on fixed operands, by the compiled code with that
 * many threads, and prints a digest of all bits of each result as one line of JSON. Run in the root of a checkout.
 *
 * Eagerly, unless `graph` is given: then in a graph, where an operation may write over operands that nobody else reads.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const engineFile = (name) => pathToFileURL(join(process.cwd(), 'dist/model/engine', name)).href;
const { setEngineEnvironment } = await import(engineFile('engineEnvironment.js'));
setEngineEnvironment(Number(process.argv[2]));
const { startEngine } = await import(engineFile('startEngine.js'));
const { loadOwnAddon } = await import(engineFile('ownAddon.js'));
const { ownOperation, ownOperationsInUse } = await import(engineFile('ownOperations.js'));
const tf = createRequire(engineFile('startEngine.js'))('@tensorflow/tfjs');
const { threads } = await startEngine('auto');

const float = (value) => ({ kind: 'float', value });
const int = (value) => ({ kind: 'int', value });
let seed = 0;
/** Other numbers each time, the same in every process. */
const numbers = (...shape) => tf.randomUniform(shape, -2, 2, 'float32', ++seed);

const scanOperands = () => [
  ...[numbers(2, 65, 301), tf.abs(numbers(2, 65, 301)), tf.neg(tf.abs(numbers(2, 301, 5)))],
  ...[numbers(2, 65, 5), numbers(2, 65, 5), numbers(2, 1, 301)],
];
const mixerOperands = () => [
  ...[numbers(5, 31, 7 * 19), tf.abs(numbers(5, 7, 2, 31)), tf.neg(tf.abs(numbers(7))), numbers(5, 31, 7)],
  ...[numbers(5, 31, 3), numbers(5, 31, 3), numbers(5, 31, 3), numbers(5, 31, 3)],
];

/** Large enough that the work is spread over threads, and of sizes that no number of threads divides. */
const operations = {
  ...Object.fromEntries(
    ['Gelu', 'Silu', 'Softplus'].flatMap((name) => [
      [`Stf${name}`, () => [{}, [numbers(1_234_567)], 1]],
      [`Stf${name}Gradient`, () => [{}, [numbers(1_234_567), numbers(1_234_567)], 1]],
    ]),
  ),
  StfLayerNorm: () => [{ epsilon: float(1e-6) }, [numbers(20_011, 37), numbers(37), numbers(37)], 3],
  StfLayerNormGradient: () => [
    {},
    [numbers(20_011, 37), numbers(20_011, 37), numbers(37), numbers(20_011), numbers(20_011)],
    2,
  ],
  StfRmsNorm: () => [{ epsilon: float(1e-5) }, [numbers(20_011, 37), numbers(37)], 2],
  StfRmsNormGradient: () => [{}, [numbers(20_011, 37), numbers(20_011, 37), numbers(37), numbers(20_011)], 2],
  StfGlobalResponseNorm: () => [
    { images: int(7), root_epsilon: float(1e-12), epsilon: float(1e-6) },
    [numbers(7 * 1999, 37), numbers(37), numbers(37)],
    2,
  ],
  StfGlobalResponseNormGradient: () => [
    { images: int(7), root_epsilon: float(1e-12), epsilon: float(1e-6) },
    [numbers(7 * 1999, 37), numbers(7 * 1999, 37), numbers(37), tf.abs(numbers(7, 37))],
    2,
  ],
  ...Object.fromEntries(
    [false, true].flatMap((value) => {
      const clipped = { clipped: { kind: 'bool', value } };
      const ofChannels = () => [numbers(37), numbers(37)];
      return [
        [
          `StfBatchNorm ${value}`,
          () => [{ epsilon: float(1e-3), ...clipped }, [numbers(20_011, 37), ...ofChannels()], 4],
        ],
        [
          `StfBatchNormGradient ${value}`,
          () => [clipped, [numbers(20_011, 37), numbers(20_011, 37), ...ofChannels(), ...ofChannels()], 2],
        ],
      ];
    }),
  ),
  StfRelu6: () => [{}, [numbers(20_011, 37), numbers(37)], 1],
  StfRelu6Gradient: () => [{}, [numbers(20_011, 37), numbers(20_011, 37)], 2],
  ...Object.fromEntries(
    [
      [3, 1, true],
      [3, 2, false],
      [5, 1, false],
      [5, 2, true],
      [7, 1, true],
      [7, 2, false],
    ].flatMap(([edge, stride, clipped]) => {
      const attributes = { stride: int(stride), clipped: { kind: 'bool', value: clipped } };
      const y = () => numbers(17, Math.ceil(19 / stride), Math.ceil(14 / stride), 262);
      const operands = () => [numbers(17, 19, 14, 262), numbers(edge, edge, 262, 1)];
      return [
        [`StfDepthwise ${edge} ${stride}`, () => [attributes, [...operands(), numbers(262)], 1]],
        [`StfDepthwiseGradient ${edge} ${stride}`, () => [attributes, [y(), y(), ...operands()], 3]],
      ];
    }),
  ),
  StfAdamW: () => [
    { N: int(3), one_minus_beta1: float(0.1), one_minus_beta2: float(0.001), epsilon: float(1e-8) },
    [
      ...[numbers(700_018), numbers(700_018), tf.abs(numbers(700_018))],
      ...[0.3, 1e-3, 0.99, 0.1, 0.001].map((factor) => tf.scalar(factor)),
      ...[numbers(700_001), numbers(16), numbers(1)],
    ],
    5,
  ],
  ...Object.fromEntries(
    ['width', 'height', 'time', 'straightTime'].flatMap((along, axis) => {
      const passes = [1, 1, 2, 0][axis];
      const attributes = { axis, passes, run: 7, height: 9, width: 11, taps: 9 };
      const ints = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, int(value)]));
      const rows = 35 * 9 * 11;
      const operands = () => [
        numbers(rows, 19),
        numbers(9 * 19, 13),
        ...Array(passes)
          .fill(0)
          .map(() => numbers(rows, 9)),
      ];
      return [
        [`StfContour ${along}`, () => [ints, operands(), 1]],
        [`StfContourGradient ${along}`, () => [ints, [numbers(rows, 13), ...operands()], 2 + passes]],
      ];
    }),
  ),
  StfSelectiveScan: () => [{ steps: int(13) }, scanOperands(), 1],
  StfSelectiveScanGradient: () => [{ steps: int(13) }, [numbers(2, 65, 301), ...scanOperands()], 6],
  StfMixOverTime: () => [{}, mixerOperands(), 1],
  StfMixOverTimeGradient: () => [{}, [numbers(5, 31, 7 * 19), ...mixerOperands()], 8],
  StfSquareSum: () => [{ N: int(2) }, [numbers(1_234_567), numbers(333)], 1],
};

const FLOAT = 1;

function inGraph(name, attributes, inputs, outputs) {
  const { Graph } = loadOwnAddon();
  const graph = new Graph({ intraOpThreads: Number(process.argv[2]), interOpThreads: 1 });
  const feeds = [];
  const operands = inputs.map((tensor, i) => {
    const dtype = { kind: 'type', value: FLOAT };
    const shape = { kind: 'shape', value: tensor.shape };
    const fed = { type: 'Placeholder', name: `fed${i}`, inputs: [], controls: [], attributes: { dtype, shape } };
    const [{ output }] = graph.addOperation(fed).outputs;
    feeds.push({ output, shape: tensor.shape, values: tensor.neg().dataSync() });
    // Not the placeholder itself, which the session holds: a value of its own, that may be written over.
    const own = { type: 'Neg', name: `own${i}`, inputs: [output], controls: [], attributes: { T: dtype } };
    return graph.addOperation(own).outputs[0].output;
  });
  const node = graph.addOperation({ type: name, name: 'node', inputs: operands, controls: [], attributes });
  const fetches = node.outputs.map(({ output }) => output);
  const { values } = graph.run({ feeds, fetches, targets: [] });
  graph.dispose();
  if (values.length !== outputs) throw new Error(`${name} has ${values.length} outputs`);
  values.forEach(({ shape }, i) => {
    const inferred = node.outputs[i].shape;
    if (`${inferred}` !== `${shape}`) throw new Error(`${name} infers [${inferred}] but returns [${shape}]`);
  });
  return values.map(({ values: bytes }) => new Uint8Array(bytes));
}

const run =
  process.argv[3] === 'graph' ? inGraph : (...args) => ownOperation(...args).map((tensor) => tensor.dataSync());

const digests = {};
if (ownOperationsInUse()) {
  for (const [name, operands] of Object.entries(operations)) {
    const hash = createHash('sha256');
    const [attributes, inputs, outputs] = operands();
    const [operation] = name.split(' ');
    for (const values of run(operation, attributes, inputs, outputs)) hash.update(values);
    digests[name] = hash.digest('hex').slice(0, 16);
  }
}
process.stdout.write(`${JSON.stringify({ threads, digests })}\n`);
