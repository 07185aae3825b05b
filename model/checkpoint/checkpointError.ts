/** A checkpoint cannot be written, read or used. The message names the file or tensor and says what was expected. */
export class CheckpointError extends Error {
  override readonly name: string = 'CheckpointError';
}
