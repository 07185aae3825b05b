import { defineConfig } from 'vitest/config';

/** Run by hand: `PARITY_PYTHON=… PARITY_PEER=… npm run parity`. */
export default defineConfig({
  test: {
    include: ['test/parity/**/*.parity.ts'],
    pool: 'forks',
    testTimeout: 300_000,
    hookTimeout: 300_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
  },
});
