/** A file that should hold a face model holds something else. The message says what was expected and where. */
export class FaceModelError extends Error {
  override readonly name = 'FaceModelError';
}
