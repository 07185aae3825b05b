import { dirname, resolve } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { SPLIT_NAMES, type SplitName } from '../data/splits.js';
import { UserError } from '../userError.js';

/** Names become folders. */
const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const setting = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.unknown()),
  z.record(z.string(), z.unknown()),
]);
const options = z.strictObject({
  config: z.string().optional(),
  phase: z.enum(['baseline', 'a', 'b']).optional(),
  /** `section.key: value`. */
  set: z.record(z.string(), setting).optional(),
});
/** `init`: an earlier run of the sweep whose best weights, of the same seed, this one begins with. */
const run = options.extend({ init: z.string().optional() });
const schema = z.strictObject({
  budget: z.number().positive().optional(),
  max_steps: z.int().positive().optional(),
  epochs: z.int().positive().optional(),
  seeds: z.array(z.int().min(0)).min(1).optional(),
  reference: z.string().optional(),
  evaluate: z.enum(SPLIT_NAMES).optional(),
  common: options.optional(),
  runs: z.record(z.string(), run.nullable()),
});

/** One variant: a train command's configuration. */
export type SweepVariant = {
  name: string;
  config?: string;
  phase: 'baseline' | 'a' | 'b';
  set: string[];
  /** Variant before it whose weights it begins with. */
  init?: string;
};

export type SweepFile = {
  /** USD for all runs together. */
  budget?: number;
  maxSteps?: number;
  epochs?: number;
  /** Empty: the seed of the configuration. */
  seeds: number[];
  /** Name of the variant that the others are compared with. */
  reference: string;
  /** Finished runs are evaluated on the real and fake videos of this split. */
  evaluate?: SplitName;
  variants: SweepVariant[];
};

/**
 * Reads the description of a sweep. Paths in it are taken from the file's folder.
 * @throws UserError with all that is wrong and where.
 */
export function parseSweepFile(text: string, file: string): SweepFile {
  const content = schema.safeParse(yamlOf(text, file));
  if (!content.success)
    throw new UserError(
      content.error.issues
        .map(({ path, message }) => `${file}: ${path.join('.') || 'the file'}: ${message}`)
        .join('\n'),
    );
  const { budget, max_steps, epochs, seeds = [], reference, evaluate, common = {}, runs } = content.data;
  const names = Object.keys(runs);
  if (names.length === 0) throw new UserError(`${file}: runs: expected at least one run`);
  for (const name of names)
    if (!RUN_NAME.test(name))
      throw new UserError(
        `${file}: runs: expected letters, digits, "_", "-" and "." for a name but received "${name}"`,
      );
  if (new Set(seeds).size < seeds.length) throw new UserError(`${file}: seeds: expected each seed once`);
  if (reference !== undefined && !names.includes(reference))
    throw new UserError(`${file}: reference: expected one of ${names.join(', ')} but received "${reference}"`);
  const variants = Object.entries(runs).map(([name, own]): SweepVariant => {
    const config = own?.config ?? common.config;
    const init = own?.init;
    const earlier = names.slice(0, names.indexOf(name));
    if (init !== undefined && !earlier.includes(init))
      throw new UserError(
        `${file}: runs.${name}.init: expected a run that comes before it (${earlier.join(', ') || 'there is none'}) but received "${init}"`,
      );
    return {
      name,
      ...(config === undefined ? {} : { config: resolve(dirname(file), config) }),
      phase: own?.phase ?? common.phase ?? 'a',
      ...(init === undefined ? {} : { init }),
      set: Object.entries({ ...common.set, ...own?.set }).map(([key, value]) => `${key}=${textOf(value)}`),
    };
  });
  return {
    ...(budget === undefined ? {} : { budget }),
    ...(max_steps === undefined ? {} : { maxSteps: max_steps }),
    ...(epochs === undefined ? {} : { epochs }),
    seeds,
    reference: reference ?? names[0]!,
    ...(evaluate === undefined ? {} : { evaluate }),
    variants,
  };
}

/** JSON is YAML too; text goes as it stands, as `--set` takes it. */
const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function yamlOf(text: string, file: string): unknown {
  try {
    return parse(text, { merge: true }); // `<<: *name` takes over what several runs share
  } catch (error) {
    // Beside syntax errors, a ReferenceError of an alias that nothing defines, or of one that grows without end.
    if (error instanceof YAMLParseError || error instanceof ReferenceError)
      throw new UserError(`${file}: not valid YAML: ${error.message}`);
    throw error;
  }
}
