import { describe, expect, it } from 'vitest';
import { everySteps } from '../../operators/index.js';

describe('everySteps', () => {
  it('is due at multiples of the count, wherever a run began', () => {
    const due = everySteps({ steps: 3 });
    expect([1, 2, 3, 4, 5, 6].filter(due)).toEqual([3, 6]);
    expect([5, 6, 7].filter(everySteps({ steps: 3 }))).toEqual([6]);
  });

  it('is due as well when enough time has passed since it was last due', () => {
    let now = 0;
    const due = everySteps({ steps: 5, ms: 100, clock: () => now });
    const at = (time: number, step: number) => {
      now = time;
      return due(step);
    };
    expect([at(99, 1), at(100, 2), at(190, 3), at(195, 5), at(200, 6), at(295, 7)]).toEqual([
      false,
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  it('refuses a rhythm that is none', () => {
    expect(() => everySteps({})).toThrow('Expected steps, ms or both but received neither');
    expect(() => everySteps({ steps: 0 })).toThrow(
      'Expected a positive number for steps but received 0 of type number',
    );
  });
});
