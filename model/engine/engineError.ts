/** The engine cannot be had as asked; the message is for the user: what was wanted, what is missing, what to run. */
export class EngineError extends Error {
  override name = 'EngineError';
}
