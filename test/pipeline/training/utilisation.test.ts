import { expect, it } from 'vitest';
import { Utilisation } from '../../../pipeline/training/utilisation.js';

it('is work by time by peak, since it was last asked', () => {
  const trainer = { flops: 0 };
  const utilisation = new Utilisation(trainer, 100e9);
  trainer.flops = 10e9;
  utilisation.add(150);
  utilisation.add(50);
  expect(utilisation.take()).toBeCloseTo(0.5, 12);
  trainer.flops = 12e9;
  utilisation.add(100);
  expect(utilisation.take()).toBeCloseTo(0.2, 12);
  utilisation.add(100);
  expect(utilisation.take()).toBeUndefined();
});

it('is unknown where the peak is', () => {
  const utilisation = new Utilisation({ flops: 5 }, undefined);
  utilisation.add(1);
  expect(utilisation.take()).toBeUndefined();
});
