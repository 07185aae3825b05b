import { describe, type EngineInfo, type StfConfig, toSections } from '../../model/index.js';
import type { PreparedRun } from '../training/prepareRun.js';
import { type Remedy, remedied } from '../training/remedy.js';
import type { Computation } from '../training/trainActor.js';
import type { StopReason, TrainingRun } from '../training/trainingRun.js';
import { versions } from './versions.js';

/** The content of config.json. */
export async function describeRun(
  { options, config, sections, data, splits, ids, codec }: PreparedRun,
  engine: EngineInfo,
  computation: Computation,
  parameters: number,
  remedies: readonly Remedy[] = [],
): Promise<{ codec: object } & Record<string, unknown>> {
  return {
    ...(options.command ? { command: options.command } : {}),
    phase: options.phase,
    description: describe(config),
    config: sections,
    ...(remedies.length > 0 ? { remedies, remedied: toSections(remedied(config, remedies.length)) } : {}),
    parameters,
    seed: config.seed,
    ...describeEngine(config, engine, computation),
    codec: { jpeg: 'libjpeg-turbo', h264: codec ?? null },
    workers: config.num_workers || 'auto',
    data: { root: data.path, splits: splits.source, train: ids.train.length, val: ids.val.length },
    ...(await versions()),
  };
}

/** What computes and how, for config.json. */
export const describeEngine = (
  config: Pick<StfConfig, 'amp_dtype'>,
  engine: EngineInfo,
  { step, precision, operations }: Computation,
) => ({
  engine: { ...engine, step, operations },
  dtype: {
    ...{ requested: config.amp_dtype, effective: precision.dtype, reason: precision.reason },
    ...{ products: precision.products, ...(precision.gpu === undefined ? {} : { gpu: precision.gpu }) },
  },
});

/** How the training step is computed, in a line. */
export function describeComputation(requested: string, { step, precision, operations }: Computation): string {
  const { dtype, reason, products, gpu } = precision;
  const asked = dtype === requested ? '' : `, not ${requested}: ${reason}`;
  return `steps ${step}, products in ${products}${gpu === undefined ? '' : ` on ${gpu}`}${asked}; own operations ${operations === 'on' ? 'on' : `off: ${operations}`}`;
}

/** The content of summary.json. */
export function summariseRun({ state, meters, counters }: TrainingRun, reason: StopReason | 'running'): object {
  const training = meters.training.snapshot();
  return {
    stop_reason: reason,
    steps: state.step,
    epochs: state.step / state.stepsPerEpoch,
    best: state.best,
    spent_usd: state.spentUsd,
    readiness: training.readiness,
    samples: state.samples,
    failed_samples: state.failed,
    quarantined: state.quarantined,
    /** Returns to an earlier checkpoint, and in how many parts micro-batches had to be computed for want of memory. */
    remedies: state.remedies ?? [],
    micro_batch_parts: state.parts ?? 1,
    /** What happened to the samples made in this stretch, e.g. how many were compressed, and by what. */
    counters: Object.fromEntries([...counters].sort()),
    wall_seconds: state.wallSeconds,
    cpu_seconds: state.cpuSeconds,
    peak_rss_mb: process.resourceUsage().maxRSS / 1024,
    stages: { synthesis: meters.synthesis.snapshot(), training },
  };
}
