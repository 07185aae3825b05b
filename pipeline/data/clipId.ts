import { UserError } from '../userError.js';

/**
 * Checks that an id names files inside the data root and nowhere else.
 * @param where file and line the id came from, for the message.
 * @throws UserError for empty ids, path separators, `..`, or control characters.
 */
export function checkClipId(id: unknown, where: string): string {
  if (typeof id !== 'string' || id.length === 0)
    throw new UserError(`${where}: expected a clip id, received ${JSON.stringify(id)}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are just what must not be in a file name
  if (/[/\\\x00-\x1f]/.test(id) || id === '.' || id === '..')
    throw new UserError(
      `${where}: clip id ${JSON.stringify(id)} would leave the data root; expected a file name without slashes`,
    );
  return id;
}
