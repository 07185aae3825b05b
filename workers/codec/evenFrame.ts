/** H.264 with chroma at half resolution (4:2:0) knows frames of even size only. */
export const evenLength = (length: number): number => length + (length & 1);

/**
 * Copies an RGB frame `[height, width, 3]` into rows of `stride` bytes, its last column and row repeated where the size
 * is odd: a border that repeats costs the encoder next to nothing and bleeds nothing into the picture.
 */
export function padFrame(
  frame: Uint8Array,
  offset: number,
  width: number,
  height: number,
  padded: Uint8Array,
  paddedOffset: number,
  stride: number,
): void {
  const rowBytes = width * 3;
  const evenBytes = evenLength(width) * 3;
  if (stride === rowBytes) padded.set(frame.subarray(offset, offset + height * rowBytes), paddedOffset);
  else
    for (let y = 0; y < height; y++) {
      const from = offset + y * rowBytes;
      const to = paddedOffset + y * stride;
      padded.set(frame.subarray(from, from + rowBytes), to);
      if (evenBytes > rowBytes) padded.copyWithin(to + rowBytes, to + rowBytes - 3, to + rowBytes);
    }
  if (height & 1) {
    const last = paddedOffset + (height - 1) * stride;
    padded.copyWithin(last + stride, last, last + evenBytes);
  }
}

/** Copies the frame back out of what `padFrame` made of it. */
export function cutFrame(
  padded: Uint8Array,
  paddedOffset: number,
  stride: number,
  frame: Uint8Array,
  offset: number,
  width: number,
  height: number,
): void {
  const rowBytes = width * 3;
  if (stride === rowBytes) {
    frame.set(padded.subarray(paddedOffset, paddedOffset + height * rowBytes), offset);
    return;
  }
  for (let y = 0; y < height; y++) {
    const from = paddedOffset + y * stride;
    frame.set(padded.subarray(from, from + rowBytes), offset + y * rowBytes);
  }
}
