import * as tf from '@tensorflow/tfjs';
import { assertFinite } from './assertFinite.js';
import { CheckpointError } from './checkpointError.js';
import { float32Values } from './float32Values.js';
import type { HostTensor } from './hostTensor.js';
import { printable } from './printable.js';
import { valueText } from './valueText.js';

type Layout = { shape: number[]; order: number[] | undefined };

/**
 * How PyTorch lays out a tensor whose TensorFlow shape is `shape`. Neither flips kernels: both correlate.
 *
 * `[h,w,I,O]` is `[O,I,h,w]`; a depthwise `[h,w,C,1]` is `[C,1,h,w]`; `[I,O]` is `[O,I]`, also as a 1×1 convolution;
 * `[C]` is `[C]`, also with leading ones.
 */
function torchLayouts(shape: readonly number[]): Layout[] {
  const [a, b, c, d] = shape as [number, number, number, number];
  switch (shape.length) {
    case 4:
      return d === 1 ? [{ shape: [c, 1, a, b], order: [2, 3, 0, 1] }] : [{ shape: [d, c, a, b], order: [2, 3, 1, 0] }];
    case 2:
      return [
        { shape: [b, a], order: [1, 0] },
        { shape: [b, a, 1, 1], order: [2, 3, 1, 0] },
      ];
    default:
      return [
        { shape: [...shape], order: undefined },
        { shape: [1, 1, 1, ...shape], order: undefined },
      ];
  }
}

/**
 * A PyTorch tensor as float32 in TensorFlow's layout.
 *
 * @param name as it stands in the file, for messages
 * @param shape what the result has to be
 * @throws CheckpointError naming the tensor: with the expected and the found shape, or what is no finite number in it
 */
export function fromTorchLayout(tensor: HostTensor, name: string, shape: readonly number[]): tf.Tensor {
  const layouts = torchLayouts(shape);
  const layout = layouts.find((candidate) => tf.util.arraysEqual(candidate.shape, tensor.shape));
  if (!layout) {
    throw new CheckpointError(
      `${printable(name)}: expected shape [${layouts[0]!.shape}], found ${valueText(tensor.shape)}`,
    );
  }
  const values = float32Values(tensor, printable(name));
  assertFinite(printable(name), values);
  return tf.tidy(() => {
    const found = tf.tensor(values, tensor.shape, 'float32');
    return tf.reshape(layout.order ? tf.transpose(found, layout.order) : found, [...shape]);
  });
}
