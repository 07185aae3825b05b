/** A worker thread ended while it made a sample: out of memory, process.exit, a native crash. The clip may be retried. */
export class WorkerDiedError extends Error {
  override readonly name = 'WorkerDiedError';
  readonly retryable = true;

  constructor(
    /** Id of the clip that was being made. */
    readonly clip: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${clip}: the worker thread died (${reason})`, options);
  }
}
