import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evaluationCsv } from '../../../pipeline/evaluation/evaluationCsv.js';
import { evaluationPage } from '../../../pipeline/evaluation/evaluationPage.js';
import {
  type EvaluationSubject,
  evaluationJson,
  evaluationResult,
} from '../../../pipeline/evaluation/evaluationResult.js';
import { evaluationTable } from '../../../pipeline/evaluation/evaluationTable.js';
import { readEvaluation } from '../../../pipeline/evaluation/readEvaluation.js';
import type { ScoredVideo } from '../../../pipeline/evaluation/scoreVideos.js';
import { keyedGenerator } from '../../../workers/index.js';
import { elements, readMarkup, textOf } from '../report/markupTree.js';

const draw = keyedGenerator('videos');
const video = (id: string, label: 0 | 1, more: Partial<ScoredVideo> = {}): ScoredVideo => ({
  ...{ id, label, score: draw.uniform(), score1Clip: draw.uniform() },
  ...{ hllRatio: draw.uniform(), hllEnergy: draw.uniform(), clips: 4 },
  properties: { sharpness: 100 * draw.uniform() },
  ...more,
});
const failure = { clip: 'broken, "quoted"', stage: 'read', reason: 'line\nbreak', attempts: 1 };
const videos: ScoredVideo[] = [
  ...Array.from({ length: 6 }, (_, i) => video(`r${i}`, 0, { pairGroup: `g${i}` })),
  ...Array.from({ length: 6 }, (_, i) => video(`f${i}`, 1, { pairGroup: `g${i}`, method: 'swap_v2 Neural' })),
  (({ properties, ...rest }) => rest)(
    video(failure.clip, 1, { score: 0.5, score1Clip: 0.5, hllRatio: null, hllEnergy: null, clips: 0, failure }),
  ),
];
const subject: EvaluationSubject = {
  checkpoint: { file: 'best.safetensors', phase: 'a', step: 3 },
  engine: { name: 'wasm', version: '1', device: 'cpu', reason: 'asked for', operations: 'on' },
  data: { root: '/data', split: 'test', source: '/data/manifest.csv', methods: null },
  clips: { perVideo: 4, segments: 1, framesPerSegment: 4, imgSize: 64 },
};
const result = evaluationResult(subject, videos, 5);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-evaluation-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('readEvaluation', () => {
  it('brings back exactly what was written, and so the same page', async () => {
    await writeFile(join(folder, 'evaluation.json'), evaluationJson(result));
    await writeFile(join(folder, 'evaluation.csv'), evaluationCsv(videos));
    const read = await readEvaluation(folder);
    expect(read).toEqual({ result, videos });
    expect(evaluationPage(read!.result, read!.videos)).toBe(evaluationPage(result, videos));
  });

  it('reads what was written before cues were measured, and shows the rest', async () => {
    const { cues, ...before } = JSON.parse(evaluationJson(result));
    expect(cues).toHaveLength(1);
    const old = evaluationCsv(videos);
    await writeFile(join(folder, 'evaluation.json'), JSON.stringify(before));
    await writeFile(join(folder, 'evaluation.csv'), old);
    const read = (await readEvaluation(folder))!;
    const ids = (page: string) => elements(readMarkup(page), 'section').map(({ attributes }) => attributes.id);
    expect(ids(evaluationPage(read.result, read.videos))).toEqual(
      ids(evaluationPage(result, videos)).filter((id) => id !== 'cues'),
    );
    expect(ids(evaluationPage(result, videos))).toContain('cues');
  });

  it('knows nothing of an empty folder and refuses another format', async () => {
    expect(await readEvaluation(folder)).toBeUndefined();
    await writeFile(join(folder, 'evaluation.csv'), '');
    await writeFile(join(folder, 'evaluation.json'), '{"format":"stf-mamba-evaluation","version":2}');
    await expect(readEvaluation(folder)).rejects.toThrow(/expected format .* version 1 but received .* of 2/);
    await writeFile(join(folder, 'evaluation.json'), '{');
    await expect(readEvaluation(folder)).rejects.toThrow(/not an evaluation/);
    await writeFile(join(folder, 'evaluation.json'), '{"format":"stf-mamba-evaluation","version":1}');
    await expect(readEvaluation(folder)).rejects.toThrow(/evaluation\.json: checkpoint: .*expected object/);
    const { roc, ...hollow } = JSON.parse(evaluationJson(result));
    await writeFile(join(folder, 'evaluation.json'), JSON.stringify({ ...hollow, roc: { ...roc, methods: [{}] } }));
    await expect(readEvaluation(folder)).rejects.toThrow(
      /evaluation\.json: roc\.methods\.0\.corners: .*expected array/,
    );
  });
});

describe('evaluation.json, the page and the table', () => {
  it('names in snake case, numbers in full, null where there is none', () => {
    const json = JSON.parse(evaluationJson(result));
    expect(json.pooled.one_clip.auc.value).toBe(result.pooled.oneClip.auc.value);
    expect(json.pooled.all.f1.value).toBe(result.pooled.all.f1.value);
    expect(json.roc.pooled[0]).toEqual({ fpr: 0, tpr: 0, threshold: null });
    expect(evaluationJson(result)).not.toMatch(/"[a-z_]*[A-Z][A-Za-z]*":/);
  });

  it('shows the same figures on the page as on the terminal, for named methods and for none', () => {
    const auc = result.pooled.all.auc.value!.toFixed(3);
    const rows = (page: string) => elements(elements(readMarkup(page), 'table')[0]!, 'tr').map(textOf);
    const named = rows(evaluationPage(result, videos));
    expect(named).toHaveLength(4); // heading, the unnamed fake's group, swap, all
    expect(named.at(-1)).toContain(`6 + 7${auc}`);
    expect(evaluationTable(result, true)).toContain(`6+7  ${auc}`);
    const unnamed = videos.map(({ method, ...rest }) => rest);
    const plain = evaluationResult(subject, unnamed, 5);
    expect(rows(evaluationPage(plain, unnamed))).toHaveLength(2);
    expect(evaluationTable(plain, false)).not.toContain('(not named)');
  });

  it('lets no name move the cursor', () => {
    const evil = [...videos, video('v', 1, { method: '\u001b[2Jgone\u009b' })];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(evaluationTable(evaluationResult(subject, evil, 5), true)).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });
});
