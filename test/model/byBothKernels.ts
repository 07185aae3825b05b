import { afterAll, beforeAll, describe } from 'vitest';
import { useOwnOperations } from '../../model/engine/ownOperations.js';

/** Describes the tests of `body` twice: by our own operations, where the engine has them, and by compositions. */
export function byBothKernels(body: () => void): void {
  describe.each([
    ['our own operations', true],
    ['compositions', false],
  ] as const)('by %s', (_, own) => {
    beforeAll(() => useOwnOperations(own));
    afterAll(() => useOwnOperations(true));
    body();
  });
}
