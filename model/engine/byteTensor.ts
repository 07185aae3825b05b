import * as tf from '@tensorflow/tfjs';

type Attribute = { name: string; type: number; value: number | boolean };

/** What the native backend offers to its own kernels, as far as it is used here. */
type NativeBackend = {
  readonly binding: { TF_UINT8: number; TF_FLOAT: number; TF_ATTR_TYPE: number; TF_ATTR_BOOL: number };
  readonly tensorMap: { set(id: object, data: object): void };
  executeSingleOutput(operation: string, attributes: Attribute[], inputs: tf.Tensor[]): tf.Tensor;
};

/**
 * Bytes as a float32 tensor of 0..255.
 *
 * tfjs knows no uint8, so its way leads over an Int32Array filled by JavaScript: four times the bytes to the engine and
 * some ten times its own time. The native engine does know uint8 and widens it itself.
 *
 * @param bytes must stay as they are until the tensor is disposed of; the native engine may read them in place
 */
export function byteTensor(bytes: Uint8Array, shape: number[]): tf.Tensor {
  if (tf.getBackend() !== 'tensorflow') return tf.tensor(Float32Array.from(bytes), shape);
  const backend = tf.backend() as unknown as NativeBackend;
  const { TF_UINT8, TF_FLOAT, TF_ATTR_TYPE, TF_ATTR_BOOL } = backend.binding;
  return tf.tidy(() => {
    const dataId = {};
    backend.tensorMap.set(dataId, { shape, dtype: TF_UINT8, values: bytes, id: -1, refCount: 1 });
    // int32 is only what tfjs takes it for; no kernel of tfjs gets to see it.
    const narrow = tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: 'int32' });
    const attributes = [
      { name: 'SrcT', type: TF_ATTR_TYPE, value: TF_UINT8 },
      { name: 'DstT', type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: 'Truncate', type: TF_ATTR_BOOL, value: false },
    ];
    return backend.executeSingleOutput('Cast', attributes, [narrow]);
  });
}
