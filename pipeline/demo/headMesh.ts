import { eyeLine, type FaceChart, lidsAt, slitAt } from './faceChart.js';
import { CHIN, CROWN, type Expression, type HeadSurface } from './headSurface.js';
import { gridMesh, type Mesh } from './mesh.js';

/** Rows of vertices between the curves that the grid follows: chin, lower lip, upper lip, lower lid, upper lid, crown. */
const ROWS = [13, 2, 24, 3, 24] as const;

/** Cells a row has within ±FRONT and in all the rest of the way round. */
const FRONT = (75 / 180) * Math.PI;
const FRONT_CELLS = 64;
const BACK_CELLS = 18;

/**
 * The head as a grid whose rows run along the edges of lips and lids, so that an opening mouth and a blink tear exactly
 * there, and the film in between is what shading turns into teeth and eyeballs.
 */
export class HeadMesh {
  readonly mesh: Mesh;
  private readonly rest: Float64Array;
  private readonly theta: Float64Array;
  private readonly point = new Float64Array(3);

  constructor(private readonly surface: HeadSurface) {
    const angles = columnAngles();
    const rows = 1 + ROWS.reduce((sum, count) => sum + count, 0);
    this.mesh = gridMesh('skin', rows, angles.length);
    this.rest = new Float64Array(this.mesh.points.length);
    this.theta = new Float64Array(rows * angles.length);
    angles.forEach((theta, c) => {
      columnHeights(surface, theta).forEach((y, r) => {
        const i = r * angles.length + c;
        this.theta[i] = theta;
        this.mesh.chart[2 * i] = theta;
        this.mesh.chart[2 * i + 1] = y;
        surface.rest(theta, y, this.point);
        this.rest.set(this.point, 3 * i);
      });
    });
  }

  /** Moves the vertices to an expression; they are in head space afterwards. */
  express(expression: Expression): void {
    const { points, chart } = this.mesh;
    for (let i = 0; i < this.theta.length; i++) {
      const at = 3 * i;
      const x = this.rest[at]!;
      this.point[0] = x;
      this.point[1] = this.rest[at + 1]!;
      this.point[2] = this.rest[at + 2]!;
      this.surface.express(this.theta[i]!, x, chart[2 * i + 1]!, expression, this.point);
      this.surface.proportion(this.point);
      points[at] = this.point[0]!;
      points[at + 1] = this.point[1]!;
      points[at + 2] = this.point[2]!;
    }
  }
}

function columnAngles(): number[] {
  const front = Array.from({ length: FRONT_CELLS + 1 }, (_, i) => -FRONT + (2 * FRONT * i) / FRONT_CELLS);
  const rest = Math.PI - FRONT;
  const half = BACK_CELLS / 2;
  const side = Array.from({ length: half }, (_, i) => FRONT + (rest * (i + 1)) / half);
  return [...side.map((angle) => -angle).reverse(), ...front, ...side];
}

/** Heights on the chart of the vertices of one column, from the chin upwards. */
function columnHeights(surface: HeadSurface, theta: number): number[] {
  const chart: FaceChart = surface.chart;
  const inFront = Math.cos(theta) > 0.1;
  const xAt = (y: number) => (inFront ? surface.slice(y).width * Math.sin(theta) : 1e3);
  const mouthX = xAt(chart.mouth.y);
  // A hair's breadth apart where the two edges meet, so that no row falls on another.
  const slit = Math.max(0.05, slitAt(chart, mouthX));
  const eyeX = Math.abs(xAt(0));
  const lids = lidsAt(chart, eyeX);
  const line = eyeLine(chart, eyeX);
  const lower = Math.min(lids?.lower ?? line, line - 0.05);
  const upper = Math.max(lids?.upper ?? line, line + 0.05);
  const curves = [CHIN, chart.mouth.y - slit, chart.mouth.y + slit, lower, upper, CROWN];
  const heights = [CHIN];
  ROWS.forEach((count, band) => {
    for (let i = 1; i <= count; i++) {
      const f = i / count;
      // Denser towards the two poles, where the surface turns over.
      const share = band === 0 ? f ** 1.6 : band === ROWS.length - 1 ? 1 - (1 - f) ** 1.6 : f;
      heights.push(curves[band]! + (curves[band + 1]! - curves[band]!) * share);
    }
  });
  return heights;
}
