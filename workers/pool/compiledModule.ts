import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Path of the compiled module that a worker thread loads. Threads need JavaScript: called from TypeScript sources (a
 * test runner), the twin under `dist` is taken, which the build has to have made before.
 *
 * @param specifier relative to the caller, ending in `.js`
 * @param callerUrl the caller's `import.meta.url`
 */
export function compiledModule(specifier: string, callerUrl: string): string {
  const beside = fileURLToPath(new URL(specifier, callerUrl));
  const file = callerUrl.endsWith('.ts') ? join(root(), 'dist', relative(root(), beside)) : beside;
  if (!existsSync(file)) throw new Error(`Expected the compiled module ${file}; run 'npm run build' first`);
  return file;
}

/** The package's folder, seen from its sources. */
const root = (): string => fileURLToPath(new URL('../..', import.meta.url));
