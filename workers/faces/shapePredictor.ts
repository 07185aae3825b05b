import { DlibStream } from './dlibStream.js';
import { FaceModelError } from './faceModelError.js';

/**
 * A cascade of forests of regression trees (Kazemi and Sullivan, "One Millisecond Face Alignment with an Ensemble of
 * Regression Trees", CVPR 2014). All trees are complete and of one depth. The arrays lie in shared memory: threads take
 * the same object.
 */
export type ShapePredictor = {
  readonly points: number;
  readonly stages: number;
  readonly trees: number;
  /** Inner nodes of a tree; it has one leaf more. */
  readonly splits: number;
  /** Pixels that a stage looks at. */
  readonly pixels: number;
  /** Mean face `[points, 2]` in a box whose corners are (0, 0) and (1, 1). */
  readonly meanShape: Float32Array;
  /** `[stages, trees, splits]`: the pixels compared, and by how much the first has to be brighter to go left. */
  readonly first: Uint16Array;
  readonly second: Uint16Array;
  readonly threshold: Float32Array;
  /** `[stages, trees, splits + 1, points, 2]`: what is added to the shape. */
  readonly leaves: Float32Array;
  /** `[stages, pixels]` landmark beside which a pixel lies, and how far from it `[stages, pixels, 2]` in the mean face. */
  readonly anchor: Uint16Array;
  readonly delta: Float32Array;
};

/** Bounds for numbers in a file, far above those of dlib's models: 15 stages of 500 trees of depth 4, 500 pixels. */
const MOST = { points: 1000, stages: 100, trees: 5000, splits: 1023, pixels: 65_535 };
const VERSION = 1;

/**
 * Reads dlib's `shape_predictor` file.
 * @throws FaceModelError saying what was expected and what came
 */
export function readShapePredictor(bytes: Uint8Array, name: string): ShapePredictor {
  const stream = new DlibStream(bytes, name);
  stream.expect('the version of the shape predictor', VERSION);
  const coordinates = stream.columnRows('the mean shape', 2 * MOST.points);
  if (coordinates % 2 !== 0)
    throw new FaceModelError(`${name}: expected x and y of each point but received ${coordinates} numbers`);
  const meanShape = floats(coordinates);
  for (let i = 0; i < coordinates; i++) meanShape[i] = stream.float();

  const stages = stream.count('stages', MOST.stages);
  let [trees, splits] = [0, 0];
  let tables: Pick<ShapePredictor, 'first' | 'second' | 'threshold' | 'leaves'> | undefined;
  for (let stage = 0; stage < stages; stage++) {
    if (stage === 0) trees = stream.count('trees of a stage', MOST.trees);
    else stream.expect('trees of a stage', trees);
    for (let tree = 0; tree < trees; tree++) {
      if (!tables) splits = stream.count('nodes of a tree', MOST.splits);
      else stream.expect('nodes of a tree', splits);
      const nodes = stages * trees * splits;
      tables ??= {
        first: shorts(nodes),
        second: shorts(nodes),
        threshold: floats(nodes),
        leaves: floats(stages * trees * (splits + 1) * coordinates),
      };
      const begin = (stage * trees + tree) * splits;
      for (let node = begin; node < begin + splits; node++) {
        tables.first[node] = stream.integer();
        tables.second[node] = stream.integer();
        tables.threshold[node] = stream.float();
      }
      stream.expect('leaves of a tree', splits + 1);
      let at = (begin + stage * trees + tree) * coordinates;
      for (let leaf = 0; leaf <= splits; leaf++) {
        stream.expect('rows of a leaf', -coordinates);
        stream.expect('columns of a leaf', -1);
        for (let i = 0; i < coordinates; i++) tables.leaves[at++] = stream.float();
      }
    }
  }

  stream.expect('stages with pixels', stages);
  let pixels = 0;
  let anchor = shorts(0);
  for (let stage = 0; stage < stages; stage++) {
    if (stage === 0) {
      pixels = stream.count('pixels of a stage', MOST.pixels);
      anchor = shorts(stages * pixels);
    } else stream.expect('pixels of a stage', pixels);
    for (let i = 0; i < pixels; i++) anchor[stage * pixels + i] = stream.integer();
  }
  stream.expect('stages with pixel offsets', stages);
  const delta = floats(stages * pixels * 2);
  for (let stage = 0; stage < stages; stage++) {
    stream.expect('pixel offsets of a stage', pixels);
    for (let i = 0; i < 2 * pixels; i++) delta[stage * pixels * 2 + i] = stream.float();
  }
  stream.expectEnd();

  const points = coordinates / 2;
  if (anchor.some((point) => point >= points))
    throw new FaceModelError(`${name}: a pixel lies beside a point that is not there`);
  for (const table of [tables!.first, tables!.second])
    if (table.some((pixel) => pixel >= pixels))
      throw new FaceModelError(`${name}: a tree looks at a pixel that is not there`);
  return { points, stages, trees, splits, pixels, meanShape, ...tables!, anchor, delta };
}

const floats = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length));
const shorts = (length: number) => new Uint16Array(new SharedArrayBuffer(2 * length));
