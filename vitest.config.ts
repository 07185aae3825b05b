import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // libtensorflow is loaded once per test file; a process each keeps backends and signal handlers apart.
    pool: 'forks',
    // Two on two cores, where vitest would take one: much of the suite waits for the programs that it starts.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
  },
});
