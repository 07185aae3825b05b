/** One clip that cannot become a sample: a broken file, landmarks outside the picture, too few frames. The run goes on. */
export class SampleError extends Error {
  override readonly name = 'SampleError';
  /** Whether another attempt at the same clip may succeed: a process died, not a file is broken. */
  readonly retryable: boolean;

  constructor(
    /** Id of the clip. */
    readonly clip: string,
    /** Name of the stage that gave up; `read` while the files are opened. */
    readonly stage: string,
    /** What was expected and what came. */
    readonly reason: string,
    options: ErrorOptions & { retryable?: boolean } = {},
  ) {
    super(`${clip}: ${stage}: ${reason}`, options);
    this.retryable = options.retryable ?? false;
  }
}
