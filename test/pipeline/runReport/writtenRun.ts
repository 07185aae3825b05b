import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { debug, toSections } from '../../../model/index.js';
import { evaluationCsv } from '../../../pipeline/evaluation/evaluationCsv.js';
import { evaluationPage } from '../../../pipeline/evaluation/evaluationPage.js';
import { evaluationJson, evaluationResult } from '../../../pipeline/evaluation/evaluationResult.js';
import type { ScoredVideo } from '../../../pipeline/evaluation/scoreVideos.js';
import { keyedGenerator } from '../../../workers/index.js';

/** A name that would be markup, script and a request if it were taken as HTML. */
export const HOSTILE = `"><script>document.title='owned'</script><img src="http://127.0.0.1:9/x" onerror="y">&'`;

export type WrittenRun = {
  steps: number;
  stopReason?: string;
  error?: string;
  /** Steps that the summary knows of, where it is older than the log. */
  summarySteps?: number;
  quarantined?: readonly string[];
  samples?: readonly number[];
  evaluated?: boolean;
  readiness?: number;
  command?: readonly string[];
};

/** Writes the files that a run leaves in its folder, with made-up values that a test can foretell. */
export async function writeRun(folder: string, run: WrittenRun): Promise<void> {
  const { steps, stopReason, readiness = 0.99, quarantined = [], samples = [] } = run;
  await mkdir(folder, { recursive: true });
  const write = (name: string, text: string | Uint8Array) => writeFile(join(folder, name), text);
  const config = { ...debug(), cost_per_hour: 0.39, max_budget: 5 };
  await write(
    'config.json',
    JSON.stringify({
      ...(run.command ? { command: run.command } : {}),
      ...{ phase: 'a', description: `Phase A ${HOSTILE}`, config: toSections(config), parameters: 471_803, seed: 42 },
      engine: { name: 'wasm', version: '1', device: 'cpu', reason: 'asked for' },
    }),
  );
  const random = keyedGenerator('curves');
  const rows: object[] = [];
  for (let step = 1; step <= steps; step++) {
    rows.push({
      ...{ step, epoch: Math.floor((step - 1) / 10), loss: 0.7 - step / 1000 + random.uniform() / 10 },
      ...{
        ce: 0.6,
        hll: 1,
        gap: 0.01,
        hll_real: 0.03,
        hll_fake: 0.04,
        hll_defined: 1,
        lr: 1e-4,
        grad_norm: 10 ** random.uniform(),
      },
      ...{ clips: 8, step_ms: 100, data_wait_ms: 1, readiness, spent_usd: step / 1000, rss_mb: 800 },
    });
    if (step % 10 === 0)
      rows.push({
        kind: 'val',
        step,
        epoch: 0,
        auc: 0.5 + step / 1000,
        ap: 0.6,
        eer: 0.4,
        accuracy: 0.6,
        pairs: 32,
        ms: 5,
      });
  }
  await write('metrics.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await write(
    'quarantine.jsonl',
    quarantined
      .map((clip) => `${JSON.stringify({ clip, stage: 'read', reason: `torn ${clip}`, attempts: 1 })}\n`)
      .join(''),
  );
  const stage = (count: number) => ({
    ...{ count, startUpMs: 1, elapsedMs: 1000, perSecond: count, meanTaskMs: 12, waitMs: 10, readiness },
    ...{ meanQueued: 1.25, maxQueued: 7, meanInFlight: 0.5 },
  });
  if (stopReason !== undefined)
    await write(
      'summary.json',
      JSON.stringify({
        ...{ stop_reason: stopReason, steps: run.summarySteps ?? steps, epochs: steps / 10, planned_steps: 2 * steps },
        ...{ best: null, spent_usd: steps / 1000, readiness, samples: 4 * steps, failed_samples: quarantined.length },
        ...(run.error === undefined ? {} : { error: run.error }),
        ...{ counters: { mask_hull: 12 }, wall_seconds: 3725, cpu_seconds: 7000 },
        workers: { threads: 3, tasks: 640, busyMs: 9000, cpuMs: 6400, died: 0, recycled: 0, maxHeldBytes: 2 ** 25 },
        stages: { synthesis: stage(640), training: stage(160) },
      }),
    );
  if (samples.length > 0) await mkdir(join(folder, 'samples'));
  for (const step of samples) {
    const picture = sharp({
      create: { width: 556, height: 300, channels: 3, background: { r: 200, g: step % 255, b: 0 } },
    });
    await write(`samples/step-${String(step).padStart(6, '0')}.jpg`, await picture.jpeg().toBuffer());
  }
  if (run.evaluated) await writeEvaluation(join(folder, 'evaluation-test'));
}

async function writeEvaluation(folder: string): Promise<void> {
  const draw = keyedGenerator('videos');
  const video = (id: string, label: 0 | 1, more: Partial<ScoredVideo> = {}): ScoredVideo => ({
    ...{ id, label, score: draw.uniform(), score1Clip: draw.uniform() },
    ...{ hllRatio: draw.uniform(), hllEnergy: draw.uniform(), clips: 4 },
    ...more,
  });
  const failure = { clip: HOSTILE, stage: 'read', reason: HOSTILE, attempts: 1 };
  const videos: ScoredVideo[] = [
    ...Array.from({ length: 6 }, (_, i) => video(`r${i}`, 0, { pairGroup: `g${i}` })),
    ...Array.from({ length: 6 }, (_, i) => video(`f${i}`, 1, { pairGroup: `g${i}`, method: i < 3 ? 'swap' : HOSTILE })),
    video(failure.clip, 1, { score: 0.5, score1Clip: 0.5, hllRatio: null, hllEnergy: null, clips: 0, failure }),
  ];
  const result = evaluationResult(
    {
      checkpoint: { file: 'best.safetensors', phase: 'a', step: 3 },
      engine: { name: 'wasm', version: '1', device: 'cpu', reason: 'asked for', operations: 'on' },
      data: { root: '/data', split: 'test', source: '/data/manifest.csv', methods: null },
      clips: { perVideo: 4, segments: 1, framesPerSegment: 4, imgSize: 64 },
    },
    videos,
    5,
  );
  await mkdir(folder);
  await writeFile(join(folder, 'evaluation.json'), evaluationJson(result));
  await writeFile(join(folder, 'evaluation.csv'), evaluationCsv(videos));
  await writeFile(join(folder, 'evaluation.html'), evaluationPage(result, videos));
}
