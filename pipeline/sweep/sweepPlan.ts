import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveConfig } from '../../model/config/resolveConfig.js';
import { ConfigError, type StfConfig } from '../../model/index.js';
import { withGpuPrice } from '../prices/gpuPrice.js';
import { UserError } from '../userError.js';
import type { SweepFile, SweepVariant } from './sweepFile.js';

/** What the command line adds to all runs of a sweep. */
export type SweepOptions = {
  /** Stands in for the configuration file of every variant. */
  config?: string;
  dataRoot?: string;
  gpu?: string;
  engine?: string;
  workers?: number;
  /** Settings that stand over those of the file. */
  set: string[];
};

/** One `train` of a sweep. */
export type PlannedRun = {
  variant: string;
  seed: number;
  /** Below the sweep's folder. */
  name: string;
  folder: string;
  dataRoot: string;
  engine?: string;
  /** Of `train`, without what changes when a run goes on: limits, budget and --resume. */
  args: string[];
  config: StfConfig;
  /** What the run is: all settings but those that say where and how long it runs. */
  settings: Record<string, unknown>;
};

/** These may change between two calls of a sweep; the limits of its runs are the sweep's own. */
const CIRCUMSTANCES: readonly (keyof StfConfig)[] = [
  ...(['data_root', 'num_workers', 'engine', 'cost_per_hour', 'max_budget', 'checkpoint_steps'] as const),
];

/**
 * All runs in the order in which they are made: every variant with the first seed, then with the second. If the money
 * ends early, the finished seeds still compare all variants.
 *
 * @throws UserError with the mistakes of all variants, before any of them has cost money.
 */
export async function planSweep(file: SweepFile, out: string, options: SweepOptions): Promise<PlannedRun[]> {
  const mistakes: string[] = [];
  const resolved: { variant: SweepVariant; set: string[]; config: StfConfig }[] = [];
  for (const described of file.variants)
    try {
      const variant = options.config === undefined ? described : { ...described, config: options.config };
      const set = [...variant.set, ...options.set];
      const { config } = await resolveVariant(variant, set, options);
      resolved.push({ variant, set, config });
    } catch (error) {
      if (!(error instanceof UserError || error instanceof ConfigError)) throw error;
      mistakes.push(`run ${described.name}: ${error.message}`);
    }
  if (mistakes.length > 0) throw new UserError(mistakes.join('\n'));

  const seeds = file.seeds.length > 0 ? file.seeds : [resolved[0]!.config.seed];
  return seeds.flatMap((seed) =>
    resolved.map(({ variant, set, config }): PlannedRun => {
      const name = `${variant.name}-seed${seed}`;
      const folder = join(out, name);
      const settings = Object.fromEntries(
        Object.entries({ ...config, phase: variant.phase, seed, init: variant.init }).filter(
          ([key]) => !CIRCUMSTANCES.includes(key as keyof StfConfig),
        ),
      );
      const args = argsOf(variant, set, seed, folder, options);
      if (variant.init !== undefined) args.push('--init', bestOf(join(out, `${variant.init}-seed${seed}`)));
      return {
        ...{ variant: variant.name, seed, name, folder, config, settings, args },
        dataRoot: options.dataRoot ?? config.data_root!, // one of them is there
        ...(options.engine === undefined ? {} : { engine: options.engine }),
      };
    }),
  );
}

const bestOf = (folder: string): string => join(folder, 'checkpoints', 'best.safetensors');

async function resolveVariant(variant: SweepVariant, set: string[], { gpu, dataRoot }: SweepOptions) {
  const { config: file, phase } = variant;
  const priced = await withGpuPrice({ ...(gpu === undefined ? {} : { gpu }), set });
  const text =
    file &&
    (await readFile(file, 'utf8').catch((error: Error) => {
      throw new UserError(`config: cannot read ${file}: ${error.message}`);
    }));
  const resolved = resolveConfig({
    preset: phase,
    ...(gpu === undefined ? {} : { gpu }),
    ...(file && text !== undefined ? { yaml: { text, file } } : {}),
    overrides: priced.set,
  });
  if (!dataRoot && !resolved.config.data_root)
    throw new UserError('--data-root: expected a folder of face crops, received none');
  return resolved;
}

function argsOf(variant: SweepVariant, set: string[], seed: number, folder: string, options: SweepOptions): string[] {
  const { dataRoot, gpu, engine, workers } = options;
  const option = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  return [
    ...option('config', variant.config),
    ...option('phase', variant.phase),
    ...set.flatMap((text) => ['--set', text]),
    ...option('data-root', dataRoot),
    ...option('gpu', gpu),
    ...option('engine', engine),
    ...option('workers', workers),
    ...option('seed', seed),
    ...option('out', folder),
  ];
}
