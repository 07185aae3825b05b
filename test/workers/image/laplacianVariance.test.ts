import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { laplacianVariance } from '../../../workers/image/laplacianVariance.js';

type Case = { height: number; width: number; rgb: number[]; variance: number };
const cases = JSON.parse(
  readFileSync(new URL('../../fixtures/workers/sharpness.json', import.meta.url), 'utf8'),
) as Case[];

it.each(cases)('agrees with OpenCV on $width x $height pixels', ({ height, width, rgb, variance }) => {
  const offset = 5;
  const bytes = Uint8Array.from([...Array<number>(offset).fill(200), ...rgb, 99]);
  expect(laplacianVariance(bytes, offset, width, height)).toBeCloseTo(variance, 8);
});
