import type { Attributes, GraphTensor } from './recordedGraph.js';

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

const isSet = (attributes: Attributes, name: string): boolean => {
  const attribute = attributes[name];
  return attribute?.kind === 'bool' && attribute.value;
};

/**
 * Floating-point operations of a node, two for each multiplication and addition: matrix products, convolutions and our
 * operations that contain such; all else counts nothing, as usual for the utilisation of hardware (Chowdhery et al.,
 * PaLM, 2022, appendix B).
 */
export function flopCount(
  type: string,
  inputs: readonly GraphTensor[],
  outputs: readonly GraphTensor[],
  attributes: Attributes,
): number {
  const [a, b] = inputs.map(({ shape }) => shape);
  switch (type) {
    case 'MatMul':
      return 2 * size(outputs[0]!.shape) * a![isSet(attributes, 'transpose_a') ? 0 : 1]!;
    case 'BatchMatMulV2':
      return 2 * size(outputs[0]!.shape) * a!.at(isSet(attributes, 'adj_x') ? -2 : -1)!;
    case 'Conv2D':
      return 2 * size(outputs[0]!.shape) * size(b!.slice(0, 3));
    case 'Conv2DBackpropInput':
      return 2 * size(inputs[2]!.shape) * size(b!.slice(0, 3));
    case 'Conv2DBackpropFilter':
      return 2 * size(inputs[2]!.shape) * size(outputs[0]!.shape.slice(0, 3));
    case 'DepthwiseConv2dNative':
    case 'StfDepthwise':
      return 2 * size(outputs[0]!.shape) * size(b!.slice(0, 2));
    case 'DepthwiseConv2dNativeBackpropInput':
      return 2 * size(inputs[2]!.shape) * size(b!.slice(0, 2));
    case 'DepthwiseConv2dNativeBackpropFilter':
      return 2 * size(inputs[2]!.shape) * size(outputs[0]!.shape.slice(0, 2));
    case 'StfDepthwiseGradient':
      // Towards the images and towards the kernel.
      return 4 * size(inputs[0]!.shape) * size(inputs[3]!.shape.slice(0, 2));
    case 'StfContour':
      return contourFlops(outputs[0]!.shape, b!);
    case 'StfContourGradient':
      // Towards the features and towards the kernel.
      return 2 * contourFlops(inputs[0]!.shape, inputs[2]!.shape);
    case 'StfMixOverTime':
      return mixingFlops(a!, inputs[4]!.shape);
    case 'StfMixOverTimeGradient':
      return 2 * mixingFlops(b!, inputs[5]!.shape);
    default:
      return 0;
  }
}

/**
 * Hydra's mixing of `u [B,T,d]` with N states as products: two of `[T,N]·[N,T]`, of which each uses half, and one of
 * `[T,T]` with every channel.
 */
const mixingFlops = ([batch, steps, channels]: readonly number[], [, , states]: readonly number[]): number =>
  2 * batch! * steps! ** 2 * (2 * states! + channels!);

/** Every position of the result contracts all taps of all channels with its kernel `[taps, inputs, outputs]`. */
const contourFlops = (result: readonly number[], kernel: readonly number[]): number =>
  2 * size(result) * (size(kernel) / kernel.at(-1)!);
