import { defineConfig } from 'vitest/config';

/** Run by hand, for minutes to hours: `npm run soak -- npz`, `SOAK_MINUTES=30 npm run soak -- npz`. */
export default defineConfig({
  test: {
    include: ['test/soak/**/*.soak.ts'],
    pool: 'forks',
    testTimeout: 0,
    hookTimeout: 0,
    disableConsoleIntercept: true,
    execArgv: ['--expose-gc'],
  },
});
