import type { CodecName } from './codec.js';

/** A codec gave up on a job that it should manage: its process died, hung or returned too little. Another try may help. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly retryable = true;

  constructor(
    readonly codec: CodecName,
    /** What happened, without the codec's name. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${codec}: ${reason}`, options);
  }
}
