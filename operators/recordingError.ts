/** A file that is not a whole, undamaged recording; the message says where, what was expected and what is there. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';

  constructor(
    readonly file: string,
    /** Byte of the file at which it stopped making sense. */
    readonly offset: number,
    readonly expected: string,
    readonly found: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: offset ${offset}: expected ${printable(expected)} but found ${printable(found)}`, options);
  }
}

/** What a file says of itself must not be able to flood or steer the terminal. */
function printable(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are just what is looked for
  return short.replace(/[\x00-\x1f\x7f-\x9f]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
