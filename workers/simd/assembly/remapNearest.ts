/** Copies a box of a mask through a map of i32 positions `[*, width]`; -1 gives 0. */
export function remapNearest(
  source: usize,
  target: usize,
  width: i32,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  map: usize,
): void {
  for (let y = y0; y < y1; y++) {
    let i = <usize>(y * width + x0);
    const end = <usize>(y * width + x1);
    for (; i < end; i++) {
      const from = load<i32>(map + (i << 2));
      store<u8>(target + i, from < 0 ? 0 : load<u8>(source + <usize>from));
    }
  }
}
