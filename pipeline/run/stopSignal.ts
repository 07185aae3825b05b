import { EXIT } from '../exitCodes.js';
import { endProcess } from './endProcess.js';

const CODES = { SIGINT: EXIT.sigint, SIGTERM: EXIT.sigterm } as const;

/**
 * Turns SIGINT and SIGTERM into an abort, so that the run ends with a checkpoint. A second signal ends the process at
 * once; the last checkpoint on disk is whole all the same. SIGHUP is none of them: the terminal has gone, as when a
 * laptop is closed, and the run goes on.
 */
export class StopSignal {
  readonly #controller = new AbortController();
  #code: number | undefined;
  readonly #handlers = Object.entries(CODES).map(([name, code]) => {
    const handler = () => {
      if (this.#code !== undefined) endProcess(code);
      this.#code = code;
      this.#controller.abort(new Error(`stopped by ${name}`));
    };
    process.on(name, handler);
    return { name, handler };
  });

  /** @param onHangUp told when the terminal has gone */
  constructor(onHangUp: () => void = () => {}) {
    process.on('SIGHUP', onHangUp);
    this.#handlers.push({ name: 'SIGHUP', handler: onHangUp });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 130 or 143 after a signal. */
  get exitCode(): number | undefined {
    return this.#code;
  }

  release(): void {
    for (const { name, handler } of this.#handlers) process.off(name, handler);
  }
}
