import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import type { EvaluationResult } from '../evaluation/evaluationResult.js';
import { readEvaluation } from '../evaluation/readEvaluation.js';
import type { ScoredVideo } from '../evaluation/scoreVideos.js';
import type { SampleSheet } from '../samples/sampleSheets.js';
import type { SampleFailure } from '../training/fillPosition.js';
import { UserError } from '../userError.js';

/** A line of a log, as written. */
export type Row = Readonly<Record<string, unknown>>;

/** What a run has left in its folder, as far as it has come: any file but config.json may be missing. */
export type RunRecord = {
  /** Absolute path of the folder. */
  folder: string;
  config: Row;
  /** One per optimiser step, in order. */
  steps: readonly Row[];
  validations: readonly Row[];
  quarantine: readonly SampleFailure[];
  /** Troubles of the run and what was done about them, where any were written down. */
  events: readonly Row[];
  /** Written when a stretch of the run ends; of the run as it is now where it is still going on. */
  summary: Row | undefined;
  /** Whether the run is going on in this process. */
  live: boolean;
  samples: readonly SampleSheet[];
  evaluations: readonly { name: string; result: EvaluationResult; videos: readonly ScoredVideo[] }[];
  /** What could not be read, in words. */
  problems: readonly string[];
};

/** Sheets that a report shows: first and last and some between. A sheet takes some 150 kB. */
const MOST_SHEETS = 4;

/**
 * Reads a run's folder, also that of a run that was killed or is being written.
 * @param live what summary.json would say now, when the run is going on in this process
 * @throws UserError when the folder holds no run
 */
export async function readRunRecord(folder: string, live?: object): Promise<RunRecord> {
  const path = resolve(folder);
  const problems: string[] = [];
  const config = await jsonOf(join(path, 'config.json'), problems);
  if (!config)
    throw new UserError(problems[0] ?? `${folder} holds no run: expected a folder with config.json that train wrote`);
  const metrics = await rowsOf(join(path, 'metrics.jsonl'), problems);
  return {
    folder: path,
    config,
    steps: metrics.filter(({ kind }) => kind === undefined),
    validations: metrics.filter(({ kind }) => kind === 'val'),
    quarantine: (await rowsOf(join(path, 'quarantine.jsonl'), problems)) as SampleFailure[],
    events: await rowsOf(join(path, 'events.jsonl'), problems),
    summary: (live as Row | undefined) ?? (await jsonOf(join(path, 'summary.json'), problems)),
    live: live !== undefined,
    samples: await samplesOf(join(path, 'samples'), problems),
    evaluations: await evaluationsOf(path, problems),
    problems,
  };
}

/** The text of a file; undefined where there is none. */
async function textOf(file: string, problems: string[]): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      problems.push(`cannot read ${file}: ${(error as Error).message}`);
    return undefined;
  }
}

async function jsonOf(file: string, problems: string[]): Promise<Row | undefined> {
  const text = await textOf(file, problems);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row;
    problems.push(`${file}: expected a JSON object`);
  } catch (error) {
    problems.push(`${file}: not JSON: ${(error as Error).message}`);
  }
  return undefined;
}

/** Rows of a log. The last line of a run that was killed, or is being written, may be torn: it is left out. */
async function rowsOf(file: string, problems: string[]): Promise<Row[]> {
  const lines = ((await textOf(file, problems)) ?? '').split('\n');
  const torn = lines.pop();
  const rows: Row[] = [];
  let broken = torn === '' || torn === undefined ? 0 : -1;
  for (const line of torn ? [...lines, torn] : lines)
    try {
      const row: unknown = JSON.parse(line);
      if (typeof row === 'object' && row !== null && !Array.isArray(row)) rows.push(row as Row);
      else broken++;
    } catch {
      broken++;
    }
  if (broken > 0) problems.push(`${file}: ${broken} lines are not JSON objects and were left out`);
  return rows;
}

async function samplesOf(folder: string, problems: string[]): Promise<SampleSheet[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^step-\d+\.jpg$/.test(name)).sort(byNumber);
  const sheets: SampleSheet[] = [];
  for (const name of spread(names, MOST_SHEETS))
    try {
      const jpeg = await readFile(join(folder, name));
      const { width, height } = await sharp(jpeg).metadata();
      sheets.push({ step: numberIn(name), width, height, jpeg });
    } catch (error) {
      problems.push(`cannot show ${join(folder, name)}: ${(error as Error).message}`);
    }
  return sheets;
}

async function evaluationsOf(folder: string, problems: string[]): Promise<RunRecord['evaluations'][number][]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('evaluation')).sort();
  const evaluations: RunRecord['evaluations'][number][] = [];
  for (const name of names)
    try {
      const evaluation = await readEvaluation(join(folder, name));
      if (evaluation) evaluations.push({ name, ...evaluation });
    } catch (error) {
      problems.push((error as Error).message);
    }
  return evaluations;
}

const numberIn = (name: string): number => Number(/\d+/.exec(name)![0]);
const byNumber = (a: string, b: string): number => numberIn(a) - numberIn(b);

/** At most `count` of the items, first and last among them. */
const spread = <T>(items: readonly T[], count: number): T[] =>
  items.length <= count
    ? [...items]
    : Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]!);
