/** Which triangle is seen at every pixel, and how near. */
export class DepthLayer {
  /** Depth at each pixel centre, larger is nearer; -Infinity where nothing is. */
  readonly depth: Float32Array;
  /** Number of the triangle seen (its first index over three, plus the mesh's base), -1 where nothing is. */
  readonly triangle: Int32Array;

  constructor(readonly side: number) {
    this.depth = new Float32Array(side * side);
    this.triangle = new Int32Array(side * side);
  }

  clear(): void {
    this.depth.fill(Number.NEGATIVE_INFINITY);
    this.triangle.fill(-1);
  }

  /**
   * Draws triangles with a depth test. `screen` holds x, y per vertex in pixels (y down), `space` x, y, z per vertex, of
   * which z is the depth. Triangles seen from behind are left out unless `twoSided`.
   */
  draw(triangles: Uint32Array, screen: Float32Array, space: Float32Array, base: number, twoSided: boolean): void {
    const { side, depth, triangle } = this;
    for (let t = 0; t < triangles.length; t += 3) {
      const a = triangles[t]!;
      const b = triangles[t + 1]!;
      const c = triangles[t + 2]!;
      const ax = screen[2 * a]!;
      const ay = screen[2 * a + 1]!;
      const bx = screen[2 * b]!;
      const by = screen[2 * b + 1]!;
      const cx = screen[2 * c]!;
      const cy = screen[2 * c + 1]!;
      // Counter-clockwise with y up is clockwise with y down, hence the negative area of a front side.
      const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
      if (area === 0 || (area > 0 && !twoSided)) continue;
      const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
      const right = Math.min(side - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
      const top = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
      const bottom = Math.min(side - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
      if (left > right || top > bottom) continue;
      const inverse = 1 / area;
      const az = space[3 * a + 2]!;
      const dzb = space[3 * b + 2]! - az;
      const dzc = space[3 * c + 2]! - az;
      const number = base + t / 3;
      // Barycentric coordinates of b and c are linear in x: their steps, and their values at the row's first pixel.
      const stepB = (cy - ay) * inverse;
      const stepC = (ay - by) * inverse;
      const px = left + 0.5 - ax;
      for (let y = top; y <= bottom; y++) {
        const py = y + 0.5 - ay;
        let wb = px * stepB - (cx - ax) * py * inverse - stepB;
        let wc = (bx - ax) * py * inverse + px * stepC - stepC;
        for (let x = left; x <= right; x++) {
          wb += stepB;
          wc += stepC;
          if (wb < -1e-6 || wc < -1e-6 || wb + wc > 1.000001) continue;
          const z = az + wb * dzb + wc * dzc;
          const i = y * side + x;
          if (z <= depth[i]!) continue;
          depth[i] = z;
          triangle[i] = number;
        }
      }
    }
  }
}
