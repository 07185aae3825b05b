import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { missingProgram } from '../../missingProgram.js';

/** Chromium or Chrome: CHROMIUM_BIN, or the first on PATH. */
export const chromiumProgram: string | undefined =
  process.env.CHROMIUM_BIN ??
  ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
    .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

export const noChromium: string | undefined = missingProgram(
  chromiumProgram === undefined
    ? 'skipped: no chromium on PATH (apt-get install chromium, or CHROMIUM_BIN=<file>)'
    : undefined,
);
