/** The user's input was wrong: printed as one clear message, without a stack, and the process ends with exit code 2. */
export class UserError extends Error {
  override name = 'UserError';
}
