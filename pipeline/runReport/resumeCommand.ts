/** Options that the command that goes on sets itself, each with a value. */
const REPLACED = ['--resume', '--out', '--watch'];
const PLAIN = /^[\w@%+=:,./-]+$/;

/** A word as a POSIX shell takes it. */
export const shellWord = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/**
 * The command that goes on with a run.
 * @param begun the options it was begun with, where they are known
 */
export function resumeCommand(begun: readonly string[] | undefined, folder: string): string {
  const kept: string[] = [];
  for (let at = 0; at < (begun ?? []).length; at++) {
    const word = begun![at]!;
    if (REPLACED.includes(word)) at++;
    else if (!REPLACED.some((name) => word.startsWith(`${name}=`))) kept.push(word);
  }
  const options = begun ? kept.map(shellWord) : ['<the options it was begun with>'];
  return ['node pipeline/train.js', ...options, '--resume auto --out', shellWord(folder)].join(' ');
}
