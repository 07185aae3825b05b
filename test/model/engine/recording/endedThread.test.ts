import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('a thread may end in the midst of a recorded step', () => {
  const script = fileURLToPath(new URL('endedThread.mjs', import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect({ status, signal, stdout }, stderr).toEqual({
    status: 0,
    signal: null,
    stdout: expect.stringMatching(/^ended, /),
  });
}, 60_000);
