/*
 * Run as a program: two runs of a session beside each other, each of which waits for what the other one does. One after
 * the other, they would never end.
 */
import { graphRecorder, startEngine } from '../../../../dist/model/engine/startEngine.js';

await startEngine('tensorflow');
const graph = new (graphRecorder().Graph)({ intraOpThreads: 1, interOpThreads: 1 });
const [FLOAT, INT32, INT64] = [1, 3, 9];
let nodes = 0;
const add = (type, inputs, attributes = {}, controls = []) =>
  graph.addOperation({ type, name: `node_${nodes++}`, inputs, controls, attributes });
const constant = (dtype, value) =>
  add('Const', [], {
    dtype: { kind: 'type', value: dtype },
    value: { kind: 'tensor', dtype, shape: [], value },
  }).outputs[0].output;
const dtype = { kind: 'type', value: FLOAT };
/** Where one run leaves a number (`apply`) and another waits for it (`take`). */
const meeting = (name, number) => {
  const [handle] = add('ResourceConditionalAccumulator', [], {
    dtype,
    shape: { kind: 'shape', value: [] },
    container: { kind: 'string', value: '' },
    shared_name: { kind: 'string', value: name },
    reduction_type: { kind: 'string', value: 'MEAN' },
  }).outputs;
  const local = constant(INT64, BigInt64Array.of(0n));
  const value = constant(FLOAT, Float32Array.of(number));
  const one = constant(INT32, Int32Array.of(1));
  return {
    take: add('ResourceAccumulatorTakeGradient', [handle.output, one], { dtype }),
    apply: (controls) => add('ResourceAccumulatorApplyGradient', [handle.output, local, value], { dtype }, controls),
  };
};
// The main run leaves 3, waits for 4; the side run waits for 3 and only then leaves 4.
const [first, second] = [meeting('first', 3), meeting('second', 4)];
const left = first.apply([]).operation;
const answered = second.apply([first.take.operation]).operation;
const main = { feeds: [], fetches: [second.take.outputs[0].output], targets: [left] };
const side = { feeds: [], fetches: [], targets: [answered] };
const { values } = graph.runBeside(main, side);
process.stdout.write(`met, ${new Float32Array(values[0].values)[0]}\n`);
