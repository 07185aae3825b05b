import { shellWord } from '../shellWord.js';

/** Options with a value each, ready for a shell. */
export type Option = readonly [name: string, value: string];

/**
 * A command that trains with the settings of a run and `options` of its own.
 *
 * @param begun the words that the run was begun with, where they are known
 * @param dropped further options with a value that the command leaves out
 */
export function trainCommand(
  begun: readonly string[] | undefined,
  options: readonly Option[],
  dropped: readonly string[] = [],
): string {
  const replaced = [...options.map(([name]) => name), ...dropped];
  const kept: string[] = [];
  for (let at = 0; at < (begun ?? []).length; at++) {
    const word = begun![at]!;
    if (replaced.includes(word)) at++;
    else if (!replaced.some((name) => word.startsWith(`${name}=`))) kept.push(word);
  }
  const words = begun ? kept.map(shellWord) : ['<the options it was begun with>'];
  return ['node pipeline/train.js', ...words, ...options.flat()].join(' ');
}

/** The command that goes on with a run. */
export const resumeCommand = (
  begun: readonly string[] | undefined,
  folder: string,
  options: readonly Option[] = [],
): string => trainCommand(begun, [['--resume', 'auto'], ['--out', shellWord(folder)], ...options], ['--watch']);

/** The command that begins Phase B with a checkpoint of Phase A, with the same settings: a checkpoint does not bring them. */
export const phaseBCommand = (begun: readonly string[] | undefined, checkpoint: string): string =>
  trainCommand(
    begun,
    [
      ['--phase', 'b'],
      ['--resume', shellWord(checkpoint)],
      ['--out', '<another folder>'],
    ],
    ['--watch', '--init'],
  );
