import * as tf from '@tensorflow/tfjs';

/**
 * Matrix products `[…,M,K]·[…,K,N]`, in front of the wasm backend's own kernel, which has two faults (4.22):
 * with batch axes that broadcast against each other it pairs the wrong matrices, and only the product of two plain,
 * untransposed matrices takes its fast path (12 times faster, measured). So transposed operands are transposed first, a
 * single right-hand matrix meets the whole batch as one product, and differing batch axes are made equal.
 */
export function batchMatMul(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { transposeA, transposeB } = attrs as unknown as tf.BatchMatMulAttrs;
      const product = (a: tf.Tensor, b: tf.Tensor) => {
        const plain = { transposeA: false, transposeB: false };
        const info = original.kernelFunc({ inputs: { a, b }, attrs: plain, backend }) as tf.TensorInfo;
        return tf.engine().makeTensorFromTensorInfo(info);
      };
      return tf.tidy(() => {
        const a = transposeA ? swapLastTwo(inputs.a as tf.Tensor) : (inputs.a as tf.Tensor);
        const b = transposeB ? swapLastTwo(inputs.b as tf.Tensor) : (inputs.b as tf.Tensor);
        const [rows, inner] = a.shape.slice(-2) as [number, number];
        const columns = b.shape.at(-1) as number;
        const batchA = a.shape.slice(0, -2);
        const batchB = b.shape.slice(0, -2);
        const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
        if (size(batchB) === 1) {
          const one = product(tf.reshape(a, [size(batchA) * rows, inner]), tf.reshape(b, [inner, columns]));
          return tf.reshape(one, [...batch, rows, columns]);
        }
        if (size(batchA) === 1 || String(batchA) === String(batchB)) return product(a, b);
        return product(tf.broadcastTo(a, [...batch, rows, inner]), tf.broadcastTo(b, [...batch, inner, columns]));
      });
    },
  };
}

function swapLastTwo(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}

function size(shape: number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}
