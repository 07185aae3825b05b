/** What a triangle is made of; decides how its pixels are shaded. */
export type Material = 'skin' | 'ear' | 'hair' | 'curtain' | 'body' | 'frame';

/** Thin things that show both their sides. */
export function isTwoSided(material: Material): boolean {
  return material === 'frame' || material === 'curtain';
}

/**
 * Triangles with two chart coordinates per vertex. `points` are in head space, `placed` where they are in front of the
 * camera in this frame, `normals` likewise (not normalised), `screen` in pixels of the picture.
 */
export type Mesh = {
  readonly material: Material;
  readonly points: Float64Array;
  readonly placed: Float32Array;
  readonly normals: Float32Array;
  readonly screen: Float32Array;
  readonly chart: Float32Array;
  readonly triangles: Uint32Array;
  readonly rows: number;
  readonly columns: number;
};

/** A visible point: chart coordinates, unit normal and position in camera space. */
export type SurfacePoint = {
  u: number;
  v: number;
  nx: number;
  ny: number;
  nz: number;
  x: number;
  y: number;
  z: number;
};

/** A grid of `rows` × `columns` vertices, two triangles a cell, counter-clockwise seen from outside. */
export function gridMesh(material: Material, rows: number, columns: number): Mesh {
  const vertices = rows * columns;
  const triangles = new Uint32Array((rows - 1) * (columns - 1) * 6);
  let t = 0;
  for (let r = 0; r < rows - 1; r++) {
    for (let c = 0; c < columns - 1; c++) {
      const a = r * columns + c;
      triangles.set([a, a + 1, a + columns, a + 1, a + columns + 1, a + columns], t);
      t += 6;
    }
  }
  return {
    material,
    points: new Float64Array(vertices * 3),
    placed: new Float32Array(vertices * 3),
    normals: new Float32Array(vertices * 3),
    screen: new Float32Array(vertices * 2),
    chart: new Float32Array(vertices * 2),
    triangles,
    rows,
    columns,
  };
}

/** Normals of a grid from central differences of its placed points; rows go up, columns to the right. */
export function gridNormals(mesh: Mesh): void {
  const { rows, columns, placed, normals } = mesh;
  for (let r = 0; r < rows; r++) {
    const up = Math.min(rows - 1, r + 1) * columns;
    const down = Math.max(0, r - 1) * columns;
    for (let c = 0; c < columns; c++) {
      const i = (r * columns + c) * 3;
      const right = (r * columns + Math.min(columns - 1, c + 1)) * 3;
      const left = (r * columns + Math.max(0, c - 1)) * 3;
      const ux = placed[right]! - placed[left]!;
      const uy = placed[right + 1]! - placed[left + 1]!;
      const uz = placed[right + 2]! - placed[left + 2]!;
      const a = (up + c) * 3;
      const b = (down + c) * 3;
      const vx = placed[a]! - placed[b]!;
      const vy = placed[a + 1]! - placed[b + 1]!;
      const vz = placed[a + 2]! - placed[b + 2]!;
      const nx = uy * vz - uz * vy;
      const ny = uz * vx - ux * vz;
      const nz = ux * vy - uy * vx;
      const length = Math.sqrt(nx * nx + ny * ny + nz * nz);
      // The poles, where a whole row is one point, look straight up and down.
      if (length < 1e-9) {
        normals[i] = 0;
        normals[i + 1] = r === 0 ? -1 : 1;
        normals[i + 2] = 0;
      } else {
        normals[i] = nx / length;
        normals[i + 1] = ny / length;
        normals[i + 2] = nz / length;
      }
    }
  }
}
