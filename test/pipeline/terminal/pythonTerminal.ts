import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { missingProgram } from '../../missingProgram.js';

/** `python3 FILE COLUMNS ROWS COMMAND …` runs a command in a terminal of its own. */
export const inTerminal = fileURLToPath(new URL('../../fixtures/scripts/run_in_terminal.py', import.meta.url));

export const noTerminal: string | undefined = missingProgram(
  spawnSync('python3', ['-c', 'import pty']).status === 0 ? undefined : 'skipped: no python3 with pty',
);
