/**
 * Bends a float mask: what lay at p - d(p) comes to p, bilinear, 0 from outside, with d given on a grid of nodes.
 *
 * @param column,columnShare i32 and f64 `[width]`: the node to the left of each column and how far it is past it
 * @param row,rowShare i32 and f64 `[height]`: likewise for rows
 * @param dx,dy f64 `[nodes, nodes]`, pixels
 * @param rowDx,rowDy scratch, f64 `[nodes]`
 */
export function bendMask(
  source: usize,
  target: usize,
  width: i32,
  height: i32,
  x0: i32,
  y0: i32,
  x1: i32,
  y1: i32,
  column: usize,
  columnShare: usize,
  row: usize,
  rowShare: usize,
  nodes: i32,
  dx: usize,
  dy: usize,
  rowDx: usize,
  rowDy: usize,
): void {
  for (let y = y0; y < y1; y++) {
    const first = (<usize>(load<i32>(row + ((<usize>y) << 2)) * nodes)) << 3;
    const share = load<f64>(rowShare + ((<usize>y) << 3));
    const next = (<usize>nodes) << 3;
    for (let i: usize = 0; i < next; i += 8) {
      store<f64>(rowDx + i, between(load<f64>(dx + first + i), load<f64>(dx + first + next + i), share));
      store<f64>(rowDy + i, between(load<f64>(dy + first + i), load<f64>(dy + first + next + i), share));
    }
    let out = target + ((<usize>(y * width + x0)) << 2);
    for (let x = x0; x < x1; x++, out += 4) {
      const node = (<usize>load<i32>(column + ((<usize>x) << 2))) << 3;
      const w = load<f64>(columnShare + ((<usize>x) << 3));
      const fromX = <f64>x - between(load<f64>(rowDx + node), load<f64>(rowDx + node, 8), w);
      const fromY = <f64>y - between(load<f64>(rowDy + node), load<f64>(rowDy + node, 8), w);
      const floorX = floor<f64>(fromX);
      const floorY = floor<f64>(fromY);
      const left = <i32>floorX;
      const top = <i32>floorY;
      let a: f32 = 0;
      let b: f32 = 0;
      let c: f32 = 0;
      let d: f32 = 0;
      if (left >= 0 && top >= 0 && left < width - 1 && top < height - 1) {
        const at = source + ((<usize>(top * width + left)) << 2);
        const under = at + ((<usize>width) << 2);
        a = load<f32>(at);
        b = load<f32>(at, 4);
        c = load<f32>(under);
        d = load<f32>(under, 4);
      } else {
        a = sample(source, width, height, left, top);
        b = sample(source, width, height, left + 1, top);
        c = sample(source, width, height, left, top + 1);
        d = sample(source, width, height, left + 1, top + 1);
      }
      const shareX = <f32>(fromX - floorX);
      store<f32>(out, lerp(lerp(a, b, shareX), lerp(c, d, shareX), <f32>(fromY - floorY)));
    }
  }
}

/** Positions need double precision: a mask's edge is as steep as 1 per pixel. */
function between(a: f64, b: f64, share: f64): f64 {
  return a + share * (b - a);
}

function lerp(a: f32, b: f32, share: f32): f32 {
  return a + share * (b - a);
}

function sample(source: usize, width: i32, height: i32, x: i32, y: i32): f32 {
  return x < 0 || y < 0 || x >= width || y >= height ? 0 : load<f32>(source + ((<usize>(y * width + x)) << 2));
}
