import { spawnSync } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectFolder } from '../../../pipeline/projectFolder.js';
import { runEnding } from '../../../pipeline/runReport/runEnding.js';
import { rankingError } from '../../../pipeline/runReport/runFindings.js';
import { readRunRecord } from '../../../pipeline/runReport/runRecord.js';
import { runReportPage } from '../../../pipeline/runReport/runReportPage.js';
import { movingAverage } from '../../../pipeline/runReport/smoothedSeries.js';
import { phaseBCommand, resumeCommand } from '../../../pipeline/runReport/trainCommand.js';
import { elements, type MarkupElement, readMarkup, textOf } from '../report/markupTree.js';
import { HOSTILE, type WrittenRun, writeRun } from './writtenRun.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stf-report-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function pageOf(
  run: WrittenRun,
): Promise<{ tree: MarkupElement; text: string; section: (id: string) => string }> {
  await writeRun(folder, run);
  const tree = readMarkup(runReportPage(await readRunRecord(folder)));
  const section = (id: string) => textOf(elements(tree, 'section').find(({ attributes }) => attributes.id === id)!);
  return { tree, text: textOf(tree), section };
}

describe('runReportPage', () => {
  it('shows all that a finished run has left, and names as text', async () => {
    const { tree, text, section } = await pageOf({
      ...{ steps: 60, stopReason: 'finished', samples: [1, 2, 4, 8, 16, 32], evaluated: true },
      ...{ quarantined: [HOSTILE, 'b'], command: ['--data-root', "/da ta/it's", '--budget', '2'] },
    });
    expect(elements(tree, 'section').map(({ attributes }) => attributes.id)).toEqual(
      'curves throughput samples evaluation-1 quarantine cost configuration'.split(' '),
    );
    expect(textOf(elements(tree, 'div')[0]!)).toMatch(/^finished: .*last epoch.*evaluate\.js --checkpoint/s);
    expect(text).toContain('steps60of 120, 6.0 epochs');
    expect(text).toContain('best validation AUC0.560step 60');
    const charts = elements(tree, 'svg').map(({ attributes }) => attributes['aria-label']);
    for (const name of [
      'Loss',
      'Validation',
      'Learning rate',
      'Gradient norm',
      'Memory',
      'Readiness',
      'Time of a step',
    ])
      expect(charts).toContain(name);
    expect(charts).toContain('ROC');
    expect(section('throughput')).toMatch(/making pairs \(workers\)640 pairs640\.0012 ms0\.501\.2570\.0 s99\.0 %/);
    expect(section('throughput')).toContain('3 workers made 640 pairs, 10 ms of processor time each');
    expect(section('quarantine')).toContain(HOSTILE);
    expect(section('cost')).toMatch(/spent\$0\.06.*1000 steps\$1\.00.*an epoch\$0\.01/s);
    expect(section('configuration')).toContain(`--data-root '/da ta/it'\\''s' --budget 2`);
    const pictures = elements(tree, 'img');
    expect(pictures.map(({ attributes }) => attributes.alt)).toEqual(
      [1, 4, 8, 32].map((step) => `pairs of step ${step}`),
    );
    for (const { attributes } of pictures) {
      expect(attributes).toMatchObject({ width: '556', height: '300' });
      const [head, data] = attributes.src!.split(',');
      expect(head).toBe('data:image/jpeg;base64');
      const step = /\d+/.exec(attributes.alt!)![0].padStart(6, '0');
      expect(Buffer.from(data!, 'base64').equals(await readFile(join(folder, 'samples', `step-${step}.jpg`)))).toBe(
        true,
      );
    }
    expect(elements(tree, 'script')).toEqual([]);
  });

  it('tells of troubles, where any were written down', async () => {
    await writeRun(folder, { steps: 3, stopReason: 'finished' });
    const event = {
      time: '2026-01-02T03:04:05.678Z',
      kind: 'out_of_memory',
      message: `two parts ${HOSTILE}`,
      parts: 2,
    };
    await writeFile(join(folder, 'events.jsonl'), `${JSON.stringify(event)}\n`.repeat(120));
    const tree = readMarkup(runReportPage(await readRunRecord(folder)));
    const section = elements(tree, 'section').find(({ attributes }) => attributes.id === 'events')!;
    expect(textOf(section)).toContain(`2026-01-02 03:04:05out of memorytwo parts ${HOSTILE}`);
    expect(textOf(section)).toContain('the last 100 of 120');
    expect(elements(section, 'tr')).toHaveLength(101);
  });

  it('says what to notice: starved trainer, quarantine, chance', async () => {
    const { text } = await pageOf({ steps: 60, stopReason: 'max_steps', readiness: 0.5, quarantined: ['x'] });
    expect(text).toContain('Data was ready 50 % of the time with 3 workers');
    expect(text).toContain('1 clip could not be used, 1 of 240 samples had to be replaced');
    expect(text).toContain('Validation AUC 0.560 on 32 self-blended pairs');
    expect(text).not.toMatch(/chance\./);
    const early = await pageOf({ steps: 49, stopReason: 'max_steps', readiness: 1 });
    expect(early.text).not.toContain('Data was ready');
    await writeRun(folder, { steps: 1, stopReason: 'max_steps' });
    const val = (auc: number) => `${JSON.stringify({ kind: 'val', step: 1, auc, pairs: 32 })}\n`;
    await appendFile(join(folder, 'metrics.jsonl'), [0.5, 0.52, 0.48, 0.51, 0.5].map(val).join(''));
    expect(textOf(readMarkup(runReportPage(await readRunRecord(folder))))).toMatch(/within 0\.05 of chance/);
  });

  it.each([
    [{ steps: 0 }, 'killed', /No step was finished/],
    [{ steps: 5 }, 'killed', /--resume auto --out/],
    [{ steps: 5, stopReason: 'budget', summarySteps: 4 }, 'killed', /--resume auto --out/],
    [
      { steps: 5, stopReason: 'budget', command: ['--budget', '2', '--phase', 'a'] },
      'budget',
      /train\.js --phase a --resume auto --out \S+ --budget <more>/,
    ],
    [{ steps: 5, stopReason: 'signal' }, 'signal', /exactly the batches that are left/],
    [
      { steps: 5, stopReason: 'failure_budget', error: '6 of 9 items failed' },
      'failure_budget',
      /could not be used: 6 of 9 items failed/,
    ],
    [
      { steps: 5, stopReason: 'error', error: `boom ${HOSTILE}` },
      'error',
      /The run ended with an error: boom "><script>/,
    ],
  ] as const)('says how a run ended and what to do: %j', async (run, reason, advice) => {
    const { tree } = await pageOf(run);
    expect(runEnding(await readRunRecord(folder)).reason).toBe(reason);
    expect(textOf(elements(tree, 'div')[0]!)).toMatch(advice);
  });

  it('reads a run that was killed while it wrote, and says what it could not read', async () => {
    await writeRun(folder, { steps: 12, samples: [1], evaluated: true });
    const metrics = join(folder, 'metrics.jsonl');
    await truncate(metrics, (await readFile(metrics)).length - 7);
    const torn = await readRunRecord(folder);
    expect(torn.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(torn.problems).toEqual([]);
    await appendFile(metrics, '\nnonsense\nnull\n{"step":13,"loss":null}\n');
    await writeFile(join(folder, 'summary.json'), '{');
    await writeFile(join(folder, 'samples', 'step-000002.jpg'), 'no picture');
    await writeFile(join(folder, 'evaluation-test', 'evaluation.json'), '{"format":"other"}');
    const record = await readRunRecord(folder);
    expect(record.steps.at(-1)).toEqual({ step: 13, loss: null });
    expect(record.problems).toEqual([
      expect.stringMatching(/metrics\.jsonl: 3 lines are not JSON objects/),
      expect.stringMatching(/summary\.json: not JSON/),
      expect.stringMatching(/cannot show .*step-000002\.jpg/),
      expect.stringMatching(/evaluation\.json: expected format/),
    ]);
    const text = textOf(readMarkup(runReportPage(record)));
    for (const problem of record.problems) expect(text).toContain(problem);
  });
});

describe('the report command', () => {
  const report = (...args: string[]) =>
    spawnSync(process.execPath, ['pipeline/cli.js', 'report', ...args], { cwd: projectFolder, encoding: 'utf8' });

  it('writes report.html, also of a killed run, and refuses what is no run', async () => {
    const run = join(folder, 'a run');
    await writeRun(run, { steps: 3 });
    const done = report(run);
    expect([done.status, done.stdout, done.stderr]).toEqual([0, `${join(run, 'report.html')}\n`, '']);
    expect(await readFile(join(run, 'report.html'), 'utf8')).toContain('<title>Run a run</title>');
    expect((await readdir(run)).sort()).toEqual(['config.json', 'metrics.jsonl', 'quarantine.jsonl', 'report.html']);
    const refused = report(folder);
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(/holds no run: expected a folder with config\.json/);
    const nowhere = report(run, '--out', join(folder, 'none', 'x.html'));
    expect(nowhere.status).toBe(2);
    expect(nowhere.stderr).toMatch(/cannot write the report: ENOENT/);
    expect(report('--help').stdout).toContain('Example:\n  node pipeline/report.js runs/a');
  });
});

describe('resumeCommand', () => {
  it('gives back the same words to a shell, with its own in place of the old', () => {
    const words = [
      '--set',
      "a.b='x y'",
      '--out=old',
      '--phase',
      'a',
      '--resume',
      'auto',
      '--out',
      'o',
      '--watch',
      '1',
      '$HOME `ls`',
    ];
    const command = resumeCommand(words, "/runs/it's");
    const { stdout } = spawnSync('sh', ['-c', command.replace('node pipeline/train.js', `printf '%s\\n'`)], {
      encoding: 'utf8',
    });
    expect(stdout.trimEnd().split('\n')).toEqual([
      '--set',
      "a.b='x y'",
      '--phase',
      'a',
      '$HOME `ls`',
      '--resume',
      'auto',
      '--out',
      "/runs/it's",
    ]);
  });
});

describe('phaseBCommand', () => {
  it("keeps Phase A's settings, which its checkpoint does not bring, and leaves out what was its own", () => {
    const words = ['--phase=a', '--config', 'v8.yaml', '--set', 'training.lr=1e-4', '--init', 'x', '--watch', '1'];
    expect(phaseBCommand([...words, '--out', 'a'], "it's.safetensors")).toBe(
      `node pipeline/train.js --config v8.yaml --set training.lr=1e-4 --phase b --resume 'it'\\''s.safetensors' --out <another folder>`,
    );
    expect(phaseBCommand(undefined, 'x')).toMatch(/<the options it was begun with> --phase b --resume x --out/);
  });
});

describe('figures of the report', () => {
  it("agree with the standard error's closed forms: one pair, a perfect ranking, chance", () => {
    // For one pair the area is 0 or 1: the variance is A(1 − A).
    expect(rankingError(0.8, 1)).toBeCloseTo(Math.sqrt(0.8 * 0.2), 12);
    expect(rankingError(1, 50)).toBe(0);
    // At A = ½ the exponential model has Q₁ = Q₂ = ⅓: the variance of the Mann-Whitney statistic, (2n + 1)/(12n²).
    expect(rankingError(0.5, 40)).toBeCloseTo(Math.sqrt(81 / (12 * 40 ** 2)), 12);
  });

  it('smooths without lag at the start, and passes over what is not finite', () => {
    const constant = movingAverage(
      [1, 2, 3].map((x) => [x, 5] as const),
      10,
    );
    for (const [, y] of constant) expect(y).toBeCloseTo(5, 12);
    const [first, second, third] = movingAverage(
      [
        [1, 4],
        [2, Number.NaN],
        [3, 8],
      ],
      2,
    );
    expect([first, second]).toEqual([
      [1, 4],
      [2, 4],
    ]);
    // Weights ½ and ¼ of the two values: (8 · ½ + 4 · ¼) / ¾.
    expect(third![1]).toBeCloseTo(20 / 3, 12);
  });
});
