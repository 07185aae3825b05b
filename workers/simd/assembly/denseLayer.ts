/**
 * A dense layer over rows of numbers, `out = rectify(rows · weights + bias)`: a pointwise convolution, or any other once
 * its windows are laid out as rows.
 *
 * @param rows f32 `[count, inputs]`
 * @param weights f32 `[inputs, outputs]`
 * @param outputs a multiple of 4
 * @param out f32 `[count, outputs]`
 * @param slope of the values below zero, 0 to 1; 1 leaves them as they are
 */
export function denseLayer(
  rows: usize,
  count: i32,
  inputs: i32,
  weights: usize,
  bias: usize,
  outputs: i32,
  out: usize,
  slope: f32,
): void {
  const rowBytes = (<usize>inputs) << 2;
  const outBytes = (<usize>outputs) << 2;
  const slopes = f32x4.splat(slope);
  let row = 0;
  // Four rows at a time share each load of weights.
  for (; row + 4 <= count; row += 4) {
    const source = rows + <usize>row * rowBytes;
    const target = out + <usize>row * outBytes;
    let column: usize = 0;
    for (; column + 32 <= outBytes; column += 32) {
      let p0 = v128.load(bias + column);
      let q0 = v128.load(bias + column, 16);
      let p1 = p0;
      let q1 = q0;
      let p2 = p0;
      let q2 = q0;
      let p3 = p0;
      let q3 = q0;
      let weight = weights + column;
      let at = source;
      const end = source + rowBytes;
      while (at < end) {
        const p = v128.load(weight);
        const q = v128.load(weight, 16);
        const x0 = v128.load32_splat(at);
        const x1 = v128.load32_splat(at + rowBytes);
        const x2 = v128.load32_splat(at + 2 * rowBytes);
        const x3 = v128.load32_splat(at + 3 * rowBytes);
        p0 = f32x4.add(p0, f32x4.mul(p, x0));
        q0 = f32x4.add(q0, f32x4.mul(q, x0));
        p1 = f32x4.add(p1, f32x4.mul(p, x1));
        q1 = f32x4.add(q1, f32x4.mul(q, x1));
        p2 = f32x4.add(p2, f32x4.mul(p, x2));
        q2 = f32x4.add(q2, f32x4.mul(q, x2));
        p3 = f32x4.add(p3, f32x4.mul(p, x3));
        q3 = f32x4.add(q3, f32x4.mul(q, x3));
        weight += outBytes;
        at += 4;
      }
      const to = target + column;
      v128.store(to, rectified(p0, slopes));
      v128.store(to, rectified(q0, slopes), 16);
      v128.store(to + outBytes, rectified(p1, slopes));
      v128.store(to + outBytes, rectified(q1, slopes), 16);
      v128.store(to + 2 * outBytes, rectified(p2, slopes));
      v128.store(to + 2 * outBytes, rectified(q2, slopes), 16);
      v128.store(to + 3 * outBytes, rectified(p3, slopes));
      v128.store(to + 3 * outBytes, rectified(q3, slopes), 16);
    }
    for (; column < outBytes; column += 16)
      for (let r: usize = 0; r < 4; r++)
        fourOutputs(
          source + r * rowBytes,
          rowBytes,
          weights + column,
          bias + column,
          outBytes,
          target + r * outBytes + column,
          slopes,
        );
  }
  for (; row < count; row++)
    for (let column: usize = 0; column < outBytes; column += 16)
      fourOutputs(
        rows + <usize>row * rowBytes,
        rowBytes,
        weights + column,
        bias + column,
        outBytes,
        out + <usize>row * outBytes + column,
        slopes,
      );
}

function fourOutputs(
  row: usize,
  rowBytes: usize,
  weights: usize,
  bias: usize,
  outBytes: usize,
  to: usize,
  slopes: v128,
): void {
  let sum = v128.load(bias);
  let weight = weights;
  for (let at = row; at < row + rowBytes; at += 4) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(weight), v128.load32_splat(at)));
    weight += outBytes;
  }
  v128.store(to, rectified(sum, slopes));
}

function rectified(values: v128, slopes: v128): v128 {
  return f32x4.max(values, f32x4.mul(values, slopes));
}
