import { expect, it } from 'vitest';
import { independentUnits } from '../../../model/evaluation/independentUnits.js';

it('holds together what shares a person or a pair group, also by way of others', () => {
  const units = independentUnits([
    { identity: 'anna' },
    { pairGroup: 'g' },
    {},
    { identity: 'bert', pairGroup: 'h' },
    { identity: 'anna', pairGroup: 'g' },
    { pairGroup: 'h' },
    {},
    { identity: 'g' }, // a person called like a pair group is somebody else
  ]);
  expect(units).toEqual([0, 0, 1, 2, 0, 2, 3, 4]);
});
