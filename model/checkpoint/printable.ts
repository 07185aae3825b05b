/** More of a name says nothing, and a hostile file may have one of a hundred megabytes. */
const longest = 200;
/** Controls, marks that turn the direction of text, halves of characters, and line ends of all kinds. */
const steering = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text of a file for a message. Characters that move a terminal's cursor, colour it or end a line stand there as
 * JavaScript would write them, in quotation marks, and what is long is cut.
 */
export function printable(text: string): string {
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text;
  if (short.search(steering) < 0) return short;
  return JSON.stringify(short).replace(steering, (sign) => {
    const code = sign.codePointAt(0)!.toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}
