/** A file that is not a readable npz archive, or holds an array that is refused. The message is one sentence. */
export class NpzError extends Error {
  override readonly name = 'NpzError';
}
