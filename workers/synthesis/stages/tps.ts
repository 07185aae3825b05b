import { bendMask } from '../../image/bendMask.js';
import { outlinePoints } from '../../image/outlinePoints.js';
import { splineWeights } from '../../image/thinPlateSpline.js';
import type { Random } from '../../random/keyedGenerator.js';
import { RecipeError } from '../recipe.js';
import type { Stage } from '../stage.js';
import { REFERENCE_SIZE } from './drift.js';
import { type FaceFrame, faceFrame, meanOutline } from './faceFrame.js';

/** The spline lives on the face's box grown by half its size on every side; its four corners never move. */
const DOMAIN = [-1, 1] as const;
const CORNERS = [-1, -1, 1, -1, -1, 1, 1, 1];

export type TpsParams = {
  prob: number;
  /** Control points on the outline. */
  points: number;
  /** Standard deviation of a control point's step per axis and frame, pixels at 224. */
  step: number;
  /** Farthest a control point goes along either axis, pixels at 224. */
  max: number;
  /** The field is computed on a grid of so many nodes a side and interpolated between them. */
  grid: number;
};

/**
 * Bends the mask's outline from frame to frame: control points on the hull's boundary walk at random, reflected at
 * `max`, and a thin-plate spline carries their displacement to the rest of the plane. Positions are relative to the
 * face, so that one spline basis serves all frames; a point keeps its place on the face while the face moves.
 */
export const tps: Stage<TpsParams> = {
  name: 'tps',
  defaults: { prob: 0.3, points: 12, step: 0.4, max: 3, grid: 28 },
  apply(clip, params, { random, workspace, count, fail }) {
    const { width, height, frames, softMask, support } = clip;
    if (!softMask || !support) throw new RecipeError('tps has to come after drift');
    if (!random.chance(params.prob)) return;
    count('tps');
    const walk = boundaryWalk(frames, params, random);
    const faces = Array.from({ length: frames }, (_, t) => faceFrame(clip, t));
    const controls = new Float64Array(2 * params.points + CORNERS.length);
    controls.set(outlinePoints(meanOutline(clip, faces), params.points));
    controls.set(CORNERS, 2 * params.points);
    const weights = splineWeights(controls, gridPlaces(params.grid));
    if (!weights) return fail('the face has no area: no spline passes through its outline');

    const dx = new Float64Array(params.grid ** 2);
    const dy = new Float64Array(params.grid ** 2);
    const bent = workspace.floats('bent mask', softMask.length).fill(0);
    clip.support = support.map((box, t) => {
      const [scaleX, scaleY] = [width / REFERENCE_SIZE, height / REFERENCE_SIZE];
      displace(weights, walk.subarray(t * 2 * params.points, (t + 1) * 2 * params.points), scaleX, scaleY, dx, dy);
      return bendMask(softMask, bent, t * width * height, width, height, box, {
        nodes: params.grid,
        ...overFace(faces[t]!, params.grid),
        dx,
        dy,
      });
    });
    clip.softMask = bent;
  },
};

/**
 * Displacements (x, y) of every control point in every frame `[T, points, 2]`: a walk with normal steps that starts at
 * 0 and is thrown back at +-max.
 */
export function boundaryWalk(
  frames: number,
  { points, step, max }: Pick<TpsParams, 'points' | 'step' | 'max'>,
  random: Random,
): Float64Array {
  const walk = new Float64Array(frames * points * 2);
  for (let i = 2 * points; i < walk.length; i++) walk[i] = reflect(walk[i - 2 * points]! + random.normal(0, step), max);
  return walk;
}

/** Folds a value back into [-max, max] as a ball bounces between two walls. */
function reflect(value: number, max: number): number {
  if (max === 0) return 0;
  let v = value;
  while (v > max || v < -max) v = v > max ? 2 * max - v : -2 * max - v;
  return v;
}

function displace(
  weights: Float64Array,
  moved: Float64Array,
  scaleX: number,
  scaleY: number,
  dx: Float64Array,
  dy: Float64Array,
): void {
  const points = moved.length / 2;
  const controls = points + CORNERS.length / 2;
  for (let node = 0; node < dx.length; node++) {
    let [x, y] = [0, 0];
    for (let k = 0; k < points; k++) {
      const weight = weights[node * controls + k]!;
      x += weight * moved[2 * k]!;
      y += weight * moved[2 * k + 1]!;
    }
    dx[node] = x * scaleX;
    dy[node] = y * scaleY;
  }
}

function gridPlaces(nodes: number): Float64Array {
  const places = new Float64Array(nodes * nodes * 2);
  const at = (i: number): number => DOMAIN[0] + ((DOMAIN[1] - DOMAIN[0]) * i) / (nodes - 1);
  for (let node = 0; node < nodes * nodes; node++) {
    places[2 * node] = at(node % nodes);
    places[2 * node + 1] = at(Math.floor(node / nodes));
  }
  return places;
}

/** Where the grid's first node lies in the picture and how far its nodes are apart. */
function overFace(face: FaceFrame, nodes: number): { left: number; top: number; stepX: number; stepY: number } {
  const share = (DOMAIN[1] - DOMAIN[0]) / (nodes - 1);
  return {
    left: face.x + DOMAIN[0] * face.width,
    top: face.y + DOMAIN[0] * face.height,
    stepX: face.width * share,
    stepY: face.height * share,
  };
}
