import type { CodecName } from './codec.js';

/** A codec that was asked for by name is not installed or does not work on this machine. */
export class CodecUnavailableError extends Error {
  override readonly name = 'CodecUnavailableError';

  constructor(
    readonly codec: CodecName,
    /** What is missing or went wrong. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Expected a working codec '${codec}' but ${reason}`, options);
  }
}
