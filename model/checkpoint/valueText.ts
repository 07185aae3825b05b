import { printable } from './printable.js';

/** Entries to show before the rest is only counted; no tensor of a network has as many axes. */
const shown = 8;

/**
 * Whatever a file holds, for a message: short, on one line, and without descending into it, since it may be nested
 * deeper than the stack allows. Shapes look as they do elsewhere: `[3,224,224]`.
 */
export function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.slice(0, shown).map(entryText)}${rest(value.length)}]`;
  return entryText(value);
}

const rest = (length: number) => (length > shown ? `,… (${length})` : '');

function entryText(value: unknown): string {
  if (typeof value === 'string') return printable(JSON.stringify(value));
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Map) return 'a dictionary';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
