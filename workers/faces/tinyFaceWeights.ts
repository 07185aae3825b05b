import { FaceModelError } from './faceModelError.js';

/** A layer's numbers: weights `[window, inputs, outputs]` flat, bias `[outputs]`. In shared memory. */
export type LayerWeights = { readonly weights: Float32Array; readonly bias: Float32Array };
/** A depthwise 3x3 convolution `[3, 3, channels]` and the pointwise one after it. */
export type SeparableWeights = LayerWeights & { readonly depthwise: Float32Array };

/** Weights of face-api's tiny face detector. Threads take the same object. */
export type TinyFaceWeights = {
  readonly first: LayerWeights;
  readonly separable: readonly SeparableWeights[];
  readonly last: LayerWeights;
};

export const TINY_FACE = {
  /** Outputs of the first convolution and of the five separable ones. */
  channels: [16, 32, 64, 128, 256, 512],
  /** Widths and heights of the boxes that are bent to fit, in cells (face-api's `tinyFaceDetector/const`). */
  anchors: [
    [1.603231, 2.094468],
    [6.041143, 7.080126],
    [2.882459, 3.518061],
    [4.266906, 5.178857],
    [9.041765, 10.66308],
  ],
  /** What is subtracted from red, green and blue before the division by 255. */
  mean: [117.001, 114.697, 97.404],
  /** Slope of the leaky rectifier. */
  slope: 0.1,
} as const;

type Entry = { name: string; shape: number[]; quantization?: { dtype: string; scale: number; min: number } };

/**
 * Reads the detector's weights: a TensorFlow.js manifest and its binary file, bytes with a scale and a least value each.
 * @throws FaceModelError when they are another network's
 */
export function readTinyFaceWeights(manifest: string, bytes: Uint8Array, name: string): TinyFaceWeights {
  const tensors = new Map<string, Float32Array>();
  let at = 0;
  for (const { name: tensor, shape, quantization } of entriesOf(manifest, name)) {
    const length = shape.reduce((product, extent) => product * extent, 1);
    if (quantization?.dtype !== 'uint8' || at + length > bytes.length)
      throw new FaceModelError(
        `${name}: expected ${length} bytes of ${tensor} at ${at} but the file has ${bytes.length}`,
      );
    const values = floats(length);
    for (let i = 0; i < length; i++) values[i] = bytes[at++]! * quantization.scale + quantization.min;
    tensors.set(tensor, values);
  }
  const take = (tensor: string, length: number): Float32Array => {
    const values = tensors.get(tensor);
    if (values?.length !== length)
      throw new FaceModelError(
        `${name}: expected ${length} numbers for ${tensor} but received ${values?.length ?? 'none'}`,
      );
    return values;
  };
  const { channels, anchors } = TINY_FACE;
  const outputs = anchors.length * 5;
  const deepest = channels.at(-1)!;
  return {
    first: { weights: take('conv0/filters', 27 * channels[0]), bias: take('conv0/bias', channels[0]) },
    separable: channels.slice(1).map((count, i) => ({
      depthwise: take(`conv${i + 1}/depthwise_filter`, 9 * channels[i]!),
      weights: take(`conv${i + 1}/pointwise_filter`, channels[i]! * count),
      bias: take(`conv${i + 1}/bias`, count),
    })),
    last: {
      weights: padded(take('conv8/filters', deepest * outputs), outputs),
      bias: padded(take('conv8/bias', outputs), outputs),
    },
  };
}

function entriesOf(manifest: string, name: string): Entry[] {
  try {
    return (JSON.parse(manifest) as { weights: Entry[] }[]).flatMap(({ weights }) => weights);
  } catch (error) {
    throw new FaceModelError(`${name}: expected a TensorFlow.js manifest of weights (${(error as Error).message})`);
  }
}

/** Rows of `width` numbers, filled up with zeros to the multiple of 4 that the kernels want. */
function padded(rows: Float32Array, width: number): Float32Array {
  const full = Math.ceil(width / 4) * 4;
  const count = rows.length / width;
  const out = floats(count * full);
  for (let row = 0; row < count; row++) out.set(rows.subarray(row * width, (row + 1) * width), row * full);
  return out;
}

const floats = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length));
