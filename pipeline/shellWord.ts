const PLAIN = /^[\w@%+=:,./-]+$/;

/** A word as a POSIX shell takes it. */
export const shellWord = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
