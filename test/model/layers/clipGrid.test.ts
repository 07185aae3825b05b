import { expect, it } from 'vitest';
import { shrink } from '../../../model/layers/clipGrid.js';

it('shrinks height and width each by itself, and nothing else', () => {
  const grid = { batch: 2, frames: 6, height: 12, width: 20, segments: 3 };
  expect(shrink(grid, 4)).toEqual({ batch: 2, frames: 6, height: 3, width: 5, segments: 3 });
});
