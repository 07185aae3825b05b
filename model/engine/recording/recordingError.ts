/** A computation cannot be recorded as a graph; the message names the operation, where it is and why. */
export class RecordingError extends Error {
  override name = 'RecordingError';
}
