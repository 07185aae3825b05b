import type { Random } from '../workers/index.js';

/** At most `count` of the clips other than `own`, each once, in the order in which they are drawn. */
export function drawOthers(ids: readonly string[], own: string, count: number, draw: Random): string[] {
  const others = ids.filter((id) => id !== own);
  const drawn: string[] = [];
  while (drawn.length < count && others.length > 0) drawn.push(...others.splice(draw.integer(0, others.length - 1), 1));
  return drawn;
}
