import { indecision, MEASURE_NAMES, type Measures } from '../../model/index.js';
import { type EvaluationResult, namedMethods } from './evaluationResult.js';
import { CUE_WORDS, figureText, intervalText, numberText } from './figureText.js';

const HEADINGS = { auc: 'AUC', eer: 'EER', ap: 'AP', accuracy: 'acc.', precision: 'prec.', recall: 'recall', f1: 'F1' };

/** Failed videos that the terminal names; all are in the files. */
const MOST_FAILED = 10;

/** The figures for the terminal. `full`: one clip, intervals of every measure, pairs and HLL statistics besides. */
export function evaluationTable(result: EvaluationResult, full: boolean): string {
  const { pooled, paired, hll, cues, videos, advice, clips } = result;
  const methods = namedMethods(result);
  const rows: [string, Measures][] = [
    ...methods.map(({ method, all }): [string, Measures] => [method, all]),
    ['all fakes', pooled.all],
  ];
  const oneClip: [string, Measures][] = [
    ...methods.map(({ method, oneClip: measures }): [string, Measures] => [method, measures]),
    ['all fakes', pooled.oneClip],
  ];
  const lines = [
    `${videos.real} real and ${videos.fake} fake videos, ${videos.identities} identities, ${clips.perVideo} clips a video; called fake from ${result.threshold} on`,
    '',
    ...measureLines(rows),
  ];
  if (full) {
    lines.push('', `${percent(result.bootstrap.level)} intervals (bootstrap over identities)`, ...intervalLines(rows));
    lines.push('', 'one clip a video, from its middle', ...measureLines(oneClip));
    lines.push(
      '',
      ...aligned([
        ['HLL ratio', 'AUC', '', 'mean real', 'mean fake'],
        ...[
          ...methods.map(({ method, hll: statistics }) => [method, statistics] as const),
          ['all fakes', hll] as const,
        ].map(([name, statistics]) => [
          name,
          numberText(statistics.auc.value),
          intervalText(statistics.auc),
          numberText(statistics.ratio.real.mean, 4),
          numberText(statistics.ratio.fake.mean, 4),
        ]),
      ]),
    );
  } else lines.push('', `HLL ratio alone: AUC ${figureText(hll.auc)}`);
  lines.push(
    paired.pairs === 0
      ? 'no pairs of a fake and its original: the manifest has no pair_group that holds both'
      : `the fake scores above its own original in ${figureText(paired.share)} of ${paired.pairs} pairs${paired.ties > 0 ? `, ${paired.ties} of them ties (counted half)` : ''}`,
  );
  if (full && cues.length > 0)
    lines.push(
      '',
      'without a detector: taken for the fake',
      ...aligned([
        ['', 'AUC', '', 'pairs', 'share', ''],
        ...cues.map(({ cue, auc, paired: { pairs, share } }) => [
          CUE_WORDS[cue],
          numberText(auc.value),
          intervalText(auc),
          String(pairs),
          numberText(share.value),
          intervalText(share),
        ]),
      ]),
    );
  if (videos.failed > 0) {
    lines.push(
      '',
      `${videos.failed === 1 ? '1 video' : `${videos.failed} videos`} could not be scored and count as 0.5:`,
    );
    for (const { clip, stage, reason } of result.failed.slice(0, MOST_FAILED))
      lines.push(`  ${printable(clip)}: ${stage}: ${printable(reason)}`);
    if (videos.failed > MOST_FAILED) lines.push(`  and ${videos.failed - MOST_FAILED} more, see evaluation.csv`);
  }
  if (advice) {
    lines.push('', `The plan's advice for this AUC: ${advice.advice}.`);
    const doubt = indecision(advice);
    if (doubt) lines.push(doubt);
    lines.push(`(That is ${advice.basis}.)`);
  }
  return `${lines.join('\n')}\n`;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

const counts = ({ reals, fakes }: Measures) => `${reals}+${fakes}`;

const measureLines = (rows: readonly [string, Measures][]): string[] =>
  aligned([
    ['', 'real+fake', 'AUC', '', ...MEASURE_NAMES.slice(1).map((name) => HEADINGS[name])],
    ...rows.map(([name, measures]) => [
      name,
      counts(measures),
      numberText(measures.auc.value),
      intervalText(measures.auc),
      ...MEASURE_NAMES.slice(1).map((measure) => numberText(measures[measure].value)),
    ]),
  ]);

const intervalLines = (rows: readonly [string, Measures][]): string[] =>
  aligned([
    ['', ...MEASURE_NAMES.map((name) => HEADINGS[name])],
    ...rows.map(([name, measures]) => [name, ...MEASURE_NAMES.map((measure) => intervalText(measures[measure]))]),
  ]);

/** First column to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const safe = rows.map((row) => row.map(printable));
  const widths = safe[0]!.map((_, column) => Math.max(...safe.map((row) => row[column]!.length)));
  return safe.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** Without control characters: what a manifest says must not move the cursor. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}
