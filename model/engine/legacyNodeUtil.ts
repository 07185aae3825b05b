import { createRequire } from 'node:module';

/**
 * Puts back two functions of `node:util` that `@tensorflow/tfjs-node-gpu` 4.22 calls and that Node gave up:
 * `isNullOrUndefined` (https://nodejs.org/api/deprecations.html#DEP0051, gone since Node 23) and `isArray`
 * (https://nodejs.org/api/deprecations.html#DEP0044). Where Node still has them, Node's would print a notice.
 */
export function restoreLegacyNodeUtil(): void {
  // The package reads properties of the CommonJS module object, so that object is what needs them.
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  util.isArray = Array.isArray;
}
