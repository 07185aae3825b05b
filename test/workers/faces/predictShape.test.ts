import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { predictShape } from '../../../workers/faces/predictShape.js';
import { shapeBox, shapeStrain } from '../../../workers/faces/shapeBox.js';
import { FaceModelError, readShapePredictor } from '../../../workers/index.js';
import { fixture } from '../reference.js';

/* Against dlib 20: a model it trained and what it finds with it (fixtures/scripts/workers_faces.py). */

const bytes = readFileSync(fixture('shape_predictor.dat'));
const model = readShapePredictor(bytes, 'shape_predictor.dat');
type Expected = { seed: number; box: [number, number, number, number]; points: [number, number][] };
const expected = JSON.parse(readFileSync(fixture('shape_predictor.json'), 'utf8')) as Expected[];

const [WIDTH, HEIGHT] = [72, 60];

/** The script's pictures: five bright dots on a slope. */
function picture(seed: number) {
  let state = BigInt(seed);
  const draw = (low: number, high: number) => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    return low + Number((state >> 8n) % BigInt(high - low + 1));
  };
  const [left, top, side] = [draw(6, 16), draw(4, 10), draw(34, 42)];
  const spots = [[25, 35], [75, 35], [50, 55], [32, 75], [68, 75]] as const; // biome-ignore format: one line
  const dots = spots.map(([x, y]) => {
    const u = left + Math.floor((side * x) / 100) + draw(-2, 2);
    return [u, top + Math.floor((side * y) / 100) + draw(-2, 2)] as const;
  });
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0, i = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      let grey = 40 + x + Math.floor(y / 2);
      for (const [u, v] of dots) grey += Math.max(0, (30 - (x - u) ** 2 - (y - v) ** 2) * 4);
      for (const tint of [0, 10, 25]) data[i++] = Math.min(255, grey + tint);
    }
  return { data, width: WIDTH, height: HEIGHT };
}

const rounded = (shape: Float32Array) =>
  Array.from({ length: shape.length / 2 }, (_, p) => [
    Math.floor(shape[2 * p]! + 0.5),
    Math.floor(shape[2 * p + 1]! + 0.5),
  ]);

describe('dlib shape predictors', () => {
  it('are read with the sizes they were trained with', () => {
    expect(model).toMatchObject({ points: 5, stages: 4, trees: 20, splits: 7, pixels: 60 });
  });

  it.each(expected)('find what dlib finds, to its whole pixels: picture $seed', ({ seed, box, points }) => {
    const [left, top, right, bottom] = box;
    expect(rounded(predictShape(model, picture(seed), { left, top, right, bottom }))).toEqual(points);
  });

  it('say where a file ends too early, goes on too long, or is another one', () => {
    const read = (changed: Uint8Array) => () => readShapePredictor(changed, 'face.dat');
    expect(read(bytes.subarray(0, 20_000))).toThrow(FaceModelError);
    expect(read(bytes.subarray(0, 20_000))).toThrow(/face\.dat: expected .* the end of the file/);
    expect(read(Buffer.concat([bytes, Buffer.from([1, 1])]))).toThrow(/another kind of model/);
    expect(read(Buffer.from('<?xml version="1.0"?>'))).toThrow(FaceModelError);
    for (let at = 0; at < 600; at += 7) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 0x5a;
      try {
        readShapePredictor(changed, 'face.dat');
      } catch (error) {
        expect(error).toBeInstanceOf(FaceModelError);
      }
    }
  });
});

describe('the box of a shape', () => {
  it('is the one that the mean face was laid into, however it was turned', () => {
    const { meanShape } = model;
    for (const turn of [0, 0.3, -0.5]) {
      const [cos, sin, side] = [Math.cos(turn), Math.sin(turn), 120];
      const laid = Float32Array.from({ length: meanShape.length }, (_, i) => {
        const [x, y] = [meanShape[i - (i % 2)]! - 0.5, meanShape[i - (i % 2) + 1]! - 0.5];
        return i % 2 === 0 ? 200 + side * (cos * x - sin * y) : 90 + side * (sin * x + cos * y);
      });
      const box = shapeBox(meanShape, laid);
      const edges = [box.left, box.top, box.right, box.bottom];
      [140, 30, 260, 150].forEach((edge, i) => {
        expect(edges[i]).toBeCloseTo(edge, 3);
      });
      expect(shapeStrain(meanShape, laid)).toBeLessThan(1e-5);
      laid[0]! += 60;
      expect(shapeStrain(meanShape, laid)).toBeGreaterThan(0.1);
    }
  });
});
