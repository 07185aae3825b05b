import type { z } from 'zod';
import { closestName } from './closestName.js';

/** A received value in a message: its type and, where short, the value. */
export function received(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'object') {
    const text = JSON.stringify(value);
    return `${Array.isArray(value) ? 'array' : 'object'} ${text.length > 80 ? `${text.slice(0, 77)}…` : text}`;
  }
  return `${typeof value} ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
}

const typeNames: Record<string, string> = { int: 'integer', tuple: 'array', record: 'object' };

const alternatives = (values: readonly unknown[]) => {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
};

function bound(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const [sign, limit] =
    issue.code === 'too_small'
      ? [issue.inclusive === false ? '>' : '>=', issue.minimum]
      : [issue.inclusive === false ? '<' : '<=', issue.maximum];
  const name = typeNames[issue.origin] ?? issue.origin;
  if (name === 'array' || name === 'string') {
    return `expected ${name} of ${issue.exact ? 'exactly' : sign === '>=' ? 'at least' : 'at most'} ${limit} ${name === 'array' ? 'entries' : 'characters'}`;
  }
  return `expected ${name} ${sign} ${limit}`;
}

/** One validation issue in words: what was expected, what came. `value` is what the schema was given. */
export function issueText(issue: z.core.$ZodIssue, value: unknown): string {
  // biome-ignore lint/suspicious/noExplicitAny: walks whatever was given
  const got = received(issue.path.reduce((at: any, step) => at?.[step], value));
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeNames[issue.expected] ?? issue.expected}, received ${got}`;
    case 'too_small':
    case 'too_big':
      return `${bound(issue)}, received ${got}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}, received ${got}`;
    case 'invalid_value':
      return `expected ${alternatives(issue.values)}, received ${got}`;
    case 'unrecognized_keys':
      return `unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
    default:
      return `${issue.message}, received ${got}`;
  }
}

/** `unknown key`, with the name that was probably meant. */
export function unknownKeyText(kind: string, name: string, known: Iterable<string>): string {
  const meant = closestName(name, known);
  return `unknown ${kind} "${name}"${meant ? `, did you mean "${meant}"?` : ''}`;
}
