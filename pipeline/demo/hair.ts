import { CROWN, type HeadSurface } from './headSurface.js';
import type { HairStyle, Identity } from './identity.js';
import { gridMesh, type Mesh } from './mesh.js';
import { smoothstep, type ValueNoise } from './valueNoise.js';

/** Lowest hair on the chart at angles from the face's middle (degrees): forehead, temple, sideburn, over the ear, nape. */
const HAIRLINE: readonly (readonly [number, number])[] = [
  [0, 72],
  [24, 72],
  [42, 66],
  [54, 50],
  [62, 28],
  [72, 8],
  [82, -14],
  [90, -4],
  [98, 8],
  [108, -20],
  [135, -62],
  [180, -68],
];

/** Thickness of hair (millimetres) on the top of the head and at its sides. */
const THICKNESS: Record<HairStyle, readonly [number, number]> = {
  short: [13, 5],
  swept: [21, 8],
  fringe: [15, 9],
  long: [13, 9],
  cropped: [4, 2],
  bald: [0.6, 1.2],
};

/** Hair as a shell around the head and, when long, a curtain behind face and neck. */
export class Hair {
  readonly meshes: Mesh[];

  constructor(
    private readonly identity: Identity,
    surface: HeadSurface,
    private readonly strands: ValueNoise,
    private readonly clouds: ValueNoise,
    private readonly offset: number,
  ) {
    this.meshes = identity.hair.style === 'long' ? [this.shell(surface), this.curtain()] : [this.shell(surface)];
  }

  private hairline(theta: number): number {
    const { hair } = this.identity;
    const degrees = Math.abs(theta) * (180 / Math.PI);
    let i = 0;
    while (i < HAIRLINE.length - 2 && degrees > HAIRLINE[i + 1]![0]) i++;
    const [d0, y0] = HAIRLINE[i]!;
    const [d1, y1] = HAIRLINE[i + 1]!;
    const y = y0 + ((y1 - y0) * (degrees - d0)) / (d1 - d0);
    const front = smoothstep(65, 40, degrees);
    const swept = hair.style === 'swept' || hair.style === 'fringe' ? hair.skew * 9 * Math.sin(theta * 2) : 0;
    const bald = hair.style === 'bald' ? 60 * smoothstep(75, 40, degrees) + 12 : 0;
    return y + front * (hair.hairline + swept) + bald;
  }

  /** How much of the skin (0..1) hair hides at a chart point; strands make the edge ragged. */
  cover(theta: number, y: number): number {
    const { style, skew } = this.identity.hair;
    const lock = this.strands.at(theta * 90 + skew * y * 0.25 + this.offset, y * 0.35);
    const ragged = style === 'cropped' || style === 'bald' ? 6 : 8;
    const height =
      y - this.hairline(theta) + (lock - 0.6) * ragged + (this.clouds.at(theta * 45 + this.offset, 7) - 0.5) * 14;
    const soft = style === 'bald' ? 22 : style === 'cropped' ? 10 : 5;
    const cover = smoothstep(0, soft, height);
    return style === 'bald' ? cover * 0.55 : style === 'cropped' ? cover * 0.92 : cover;
  }

  /** How much of what lies behind the curtain it hides; its front edge and its tips are ragged. */
  curtainCover(theta: number, y: number): number {
    const turn = theta * (180 / Math.PI);
    const degrees = Math.min(turn, 360 - turn);
    const lock = this.strands.at(theta * 70 + this.offset, y * 0.12);
    const edge = degrees - 46 + 4 * smoothstep(-60, -150, y) + (lock - 0.5) * 5;
    return smoothstep(-1, 3, edge) * smoothstep(-232, -205, y + (lock - 0.5) * 50);
  }

  /** Brightness of the strands at a chart point, around 1. */
  strand(theta: number, y: number): number {
    const { skew, style } = this.identity.hair;
    if (style === 'cropped' || style === 'bald') return 0.6 + 0.8 * this.strands.at(theta * 150, y * 2.6 + this.offset);
    const u = theta * 110 + skew * y * 0.3 + 9 * this.clouds.at(theta * 20, y * 0.5 + this.offset);
    const fine = this.strands.at(u * 1.7, y * 0.16 + this.offset);
    const lock = this.strands.at(u * 0.33 + 71, y * 0.07 + this.offset);
    return 0.25 + 0.9 * fine + 0.6 * lock;
  }

  private shell(surface: HeadSurface): Mesh {
    const [rows, columns] = [34, 73];
    const mesh = gridMesh('hair', rows, columns);
    const [top, sides] = THICKNESS[this.identity.hair.style];
    const point = new Float64Array(3);
    for (let r = 0; r < rows; r++) {
      const f = r / (rows - 1);
      const y = -80 + (CROWN + 80) * (1 - (1 - f) ** 1.5);
      for (let c = 0; c < columns; c++) {
        const theta = -Math.PI + (2 * Math.PI * c) / (columns - 1);
        const i = r * columns + c;
        surface.rest(theta, y, point);
        const nx = point[0]! / 76 ** 2;
        const ny = (1.17 / 97) * (Math.max(0, y - 20) / 97) ** 1.35;
        const nz = (point[2]! + 8) / 100 ** 2;
        const length = Math.hypot(nx, ny, nz) || 1;
        const height = y - this.hairline(theta);
        const bulk = (sides + (top - sides) * smoothstep(20, 95, y)) * this.identity.hair.thickness;
        const bumps = 0.72 + 0.56 * this.clouds.at(theta * 41 + this.offset, y * 0.9);
        // Under the hairline the shell sinks beneath the skin.
        const out = bulk * bumps * smoothstep(-6, 26, height) + 0.9 - 3 * smoothstep(-4, -14, height);
        mesh.points[3 * i] = point[0]! + (out * nx) / length;
        mesh.points[3 * i + 1] = y + (out * ny) / length;
        mesh.points[3 * i + 2] = point[2]! + (out * nz) / length;
        mesh.chart[2 * i] = theta;
        mesh.chart[2 * i + 1] = y;
        proportion(surface, mesh.points, 3 * i);
      }
    }
    return mesh;
  }

  private curtain(): Mesh {
    const [rows, columns] = [30, 61];
    const mesh = gridMesh('curtain', rows, columns);
    const thickness = this.identity.hair.thickness;
    for (let r = 0; r < rows; r++) {
      const y = -235 + (300 * r) / (rows - 1);
      const flare = 1 + 0.16 * smoothstep(0, -120, y) * thickness;
      for (let c = 0; c < columns; c++) {
        // From beside one cheek round the back to the other: nothing hangs before the face.
        const theta = ((45 + (270 * c) / (columns - 1)) / 180) * Math.PI;
        const i = r * columns + c;
        const wave = 4 * (this.clouds.at(theta * 30 + this.offset, y * 0.7) - 0.5);
        const close = Math.sqrt(Math.max(0.05, 1 - Math.max(0, (y - 0) / 70) ** 2));
        const cos = Math.cos(theta);
        mesh.points[3 * i] = (76 + 22 * thickness * flare + wave) * (0.6 + 0.4 * close) * Math.sin(theta);
        mesh.points[3 * i + 1] = y;
        mesh.points[3 * i + 2] = -22 + ((cos > 0 ? 34 : 92) * close + wave) * cos;
        mesh.chart[2 * i] = theta;
        mesh.chart[2 * i + 1] = y;
      }
    }
    return mesh;
  }
}

function proportion(surface: HeadSurface, points: Float64Array, at: number): void {
  const point = points.subarray(at, at + 3);
  surface.proportion(point);
}
