import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { UserError } from '../userError.js';
import type { EvaluationResult } from './evaluationResult.js';
import type { ScoredVideo } from './scoreVideos.js';

const some = z.looseObject({});
const measures = z.looseObject({ auc: some });
/** What must be there for the rest to be looked at; the figures themselves may be null. */
const skeleton = z.looseObject({
  ...{ checkpoint: some, engine: some, data: some, clips: some, videos: some, bootstrap: some, hll: some },
  failed: z.array(some),
  pooled: z.looseObject({ all: measures, oneClip: measures }),
  paired: z.looseObject({ share: some }),
  methods: z.array(z.looseObject({ method: z.string(), all: measures, oneClip: measures, paired: some, hll: some })),
  roc: z.looseObject({ pooled: z.array(some), methods: z.array(z.looseObject({ corners: z.array(some) })) }),
});

/**
 * Reads back what `evaluate` has written into a folder, e.g. to show it in the report of a run.
 * @returns undefined when the folder holds no evaluation
 * @throws UserError when its files are of another version or not whole
 */
export async function readEvaluation(
  folder: string,
): Promise<{ result: EvaluationResult; videos: ScoredVideo[] } | undefined> {
  const [json, csv] = await Promise.all([textOf(folder, 'evaluation.json'), textOf(folder, 'evaluation.csv')]);
  if (json === undefined || csv === undefined) return undefined;
  let content: { format?: unknown; version?: unknown };
  let rows: Record<string, string>[];
  try {
    content = JSON.parse(json, (_, value: unknown) => withCamelNames(value));
    rows = parse(csv, { columns: true });
  } catch (error) {
    throw new UserError(`${folder}: not an evaluation: ${(error as Error).message}`);
  }
  if (content?.format !== 'stf-mamba-evaluation' || content.version !== 1)
    throw new UserError(
      `${join(folder, 'evaluation.json')}: expected format stf-mamba-evaluation of version 1 but received ${content?.format} of ${content?.version}`,
    );
  const whole = skeleton.safeParse(content);
  if (!whole.success) {
    const { path, message } = whole.error.issues[0]!;
    throw new UserError(`${join(folder, 'evaluation.json')}: ${path.join('.')}: ${message}`);
  }
  const result = content as EvaluationResult;
  result.cues ??= []; // not asked for before they were measured
  for (const { corners } of [{ corners: result.roc.pooled }, ...result.roc.methods])
    if (corners[0]) corners[0].threshold = Number.POSITIVE_INFINITY; // JSON has no such number
  const failures = new Map(result.failed.map((failure) => [failure.clip, failure]));
  return { result, videos: rows.map((row) => videoOf(row, failures.get(row.id ?? ''))) };
}

const textOf = (folder: string, name: string): Promise<string | undefined> =>
  readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new UserError(`cannot read ${join(folder, name)}: ${error.message}`);
  });

/** The inverse of the snake case that `evaluationJson` writes. */
function withCamelNames(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/_([a-z0-9])/g, (_, first: string) => first.toUpperCase()),
      inner,
    ]),
  );
}

function videoOf(row: Record<string, string>, failure: ScoredVideo['failure']): ScoredVideo {
  const numberOrNull = (text: string | undefined) => (text ? Number(text) : null);
  return {
    id: row.id!,
    label: row.label === '1' ? 1 : 0,
    ...(row.method ? { method: row.method } : {}),
    ...(row.pair_group ? { pairGroup: row.pair_group } : {}),
    score: Number(row.score),
    score1Clip: Number(row.score_1_clip),
    hllRatio: numberOrNull(row.hll_ratio),
    hllEnergy: numberOrNull(row.hll_energy),
    clips: Number(row.clips),
    ...(row.sharpness ? { properties: { sharpness: Number(row.sharpness) } } : {}),
    ...(failure ? { failure } : {}),
  };
}
