/** Enough for a path's worth of explanation; a file must not be able to fill the log. */
const MOST_CHARACTERS = 300;

/**
 * A file that is not a readable npz archive, or holds an array that is refused. The message is one sentence. Names and
 * types that it quotes come from the file, so it is cut to a bearable length and has no control characters in it.
 */
export class NpzError extends Error {
  override readonly name = 'NpzError';

  constructor(message: string, options?: ErrorOptions) {
    const characters = [...message.replace(/\p{C}/gu, '\u{fffd}')];
    const cut = characters.length > MOST_CHARACTERS;
    super(cut ? `${characters.slice(0, MOST_CHARACTERS).join('')}…` : characters.join(''), options);
  }
}
