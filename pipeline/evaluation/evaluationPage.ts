import { type CueFigures, indecision, type Spread } from '../../model/index.js';
import { confusionMatrix } from '../report/confusionMatrix.js';
import { type Column, dataTable } from '../report/dataTable.js';
import { histogramChart } from '../report/histogramChart.js';
import { html, type Markup } from '../report/html.js';
import { htmlPage, type PageSection } from '../report/htmlPage.js';
import { intervalChart } from '../report/intervalChart.js';
import { FAKE_COLOUR, REAL_COLOUR } from '../report/palette.js';
import { rocChart } from '../report/rocChart.js';
import { spreadChart } from '../report/spreadChart.js';
import { type EvaluationResult, namedMethods } from './evaluationResult.js';
import { CUE_WORDS, figureText, HLL_WORDS, numberText } from './figureText.js';
import type { ScoredVideo } from './scoreVideos.js';

/** The whole page `evaluation.html`. */
export const evaluationPage = (result: EvaluationResult, videos: readonly ScoredVideo[]): string =>
  htmlPage({
    title: 'Evaluation',
    lead: evaluationLead(result),
    sections: evaluationSections(result, videos),
  });

/** What was evaluated, in a few lines. */
export function evaluationLead({ checkpoint, data, engine, clips, videos, methods }: EvaluationResult): Markup {
  const { phase, step, file } = checkpoint;
  return html`<p>Checkpoint <b><bdi>${file}</bdi></b>${phase && html`, phase ${phase}`}${step !== undefined && html`, step ${step}`},
on the split <b>${data.split}</b> of <bdi>${data.source}</bdi>: ${videos.real} real and ${videos.fake} fake videos of ${videos.identities} identities,
${methods.length} ${methods.length === 1 ? 'method' : 'methods'}${data.methods && ' (chosen with --methods)'}. ${clips.perVideo} clips of ${clips.segments} × ${clips.framesPerSegment} frames a video at ${clips.imgSize} px; engine ${engine.name} ${engine.version} on ${engine.device}.</p>`;
}

/** The evaluation's sections, which the report of a run shows too. */
export function evaluationSections(result: EvaluationResult, videos: readonly ScoredVideo[]): PageSection[] {
  return [
    { id: 'figures', title: 'Figures', content: figures(result) },
    { id: 'ranking', title: 'Ranking and decisions', content: ranking(result, videos) },
    { id: 'pairs', title: 'Against their own originals', content: pairs(result) },
    ...(result.cues.length > 0 ? [{ id: 'cues', title: 'What needs no detector', content: cues(result) }] : []),
    { id: 'hll', title: 'Flicker band (HLL)', content: hll(result) },
    { id: 'failed', title: `Videos that could not be scored (${result.videos.failed})`, content: failed(result) },
    { id: 'meaning', title: 'What these numbers mean, and what not', content: meaning(result) },
  ];
}

const ALL = 'all fakes';

function figures(result: EvaluationResult): Markup {
  const { pooled, meanMethodAuc, bootstrap } = result;
  const rows = [...namedMethods(result), { method: ALL, ...pooled }];
  type Row = (typeof rows)[number];
  const measure = (
    name: 'auc' | 'eer' | 'ap' | 'accuracy' | 'precision' | 'recall' | 'f1',
    title: string,
  ): Column<Row> => ({
    name: title,
    cell: ({ all }) => html`${numberText(all[name].value)}<br/><small>${interval(all[name].interval)}</small>`,
    numeric: true,
  });
  return html`${dataTable<Row>(rows, [
    { name: 'fakes', cell: ({ method }) => html`<bdi>${method}</bdi>` },
    { name: 'real + fake', cell: ({ all }) => `${all.reals} + ${all.fakes}`, numeric: true },
    measure('auc', 'AUC'),
    {
      name: 'AUC, 1 clip',
      title: 'of the clip in the middle of each video',
      cell: ({ oneClip }) =>
        html`${numberText(oneClip.auc.value)}<br/><small>${interval(oneClip.auc.interval)}</small>`,
      numeric: true,
    },
    measure('eer', 'EER'),
    measure('ap', 'AP'),
    measure('accuracy', 'accuracy'),
    measure('precision', 'precision'),
    measure('recall', 'recall'),
    measure('f1', 'F1'),
  ])}<p class="caption">Small: ${(100 * bootstrap.level).toFixed(0)} % bootstrap intervals over identities. Mean AUC of the methods, each counting alike: ${numberText(meanMethodAuc)}.</p>
<div class="charts">${intervalChart({
    title: 'AUC by method, with interval',
    xLabel: 'AUC',
    domain: [0, 1],
    mark: { at: 0.5, name: 'chance' },
    rows: rows.map(({ method, all }) => ({ name: method, value: all.auc.value, interval: all.auc.interval })),
    caption: 'Dashed: chance.',
  })}</div>`;
}

const interval = (ends: { low: number; high: number } | null) =>
  ends ? `${ends.low.toFixed(3)}–${ends.high.toFixed(3)}` : 'no interval';

function ranking({ roc, pooled, threshold }: EvaluationResult, videos: readonly ScoredVideo[]): Markup {
  const curves = [
    { name: ALL, corners: roc.pooled },
    ...(roc.methods.length > 1 ? roc.methods.map(({ method, corners }) => ({ name: method, corners })) : []),
  ];
  const scoresOf = (label: 0 | 1) => videos.filter((video) => video.label === label).map(({ score }) => score);
  return html`<div class="charts">${rocChart('ROC', curves)}${histogramChart({
    title: 'Scores',
    xLabel: 'score: probability of being fake, by the detector',
    domain: [0, 1],
    groups: [
      { name: 'real', colour: REAL_COLOUR, values: scoresOf(0) },
      { name: 'fake', colour: FAKE_COLOUR, values: scoresOf(1) },
    ],
    mark: { at: threshold, name: `called fake from ${threshold} on` },
    caption: `Dashed: called fake from ${threshold} on.`,
  })}${confusionMatrix(`Decisions at ${threshold}`, pooled.all.confusion)}</div>`;
}

function pairs(result: EvaluationResult): Markup {
  const { paired } = result;
  if (paired.pairs === 0)
    return html`<p>No pair of a fake and its original was scored: the manifest has no <code>pair_group</code> that holds both.</p>`;
  return html`<p>How often a fake scores above the very video it was made from (a tie counts half). 0.5 is chance.</p>
${dataTable(
  [...namedMethods(result), { method: ALL, paired }],
  [
    { name: 'fakes', cell: ({ method }) => html`<bdi>${method}</bdi>` },
    { name: 'pairs', cell: ({ paired: one }) => one.pairs, numeric: true },
    { name: 'fake above', cell: ({ paired: one }) => one.above, numeric: true },
    { name: 'ties', cell: ({ paired: one }) => one.ties, numeric: true },
    { name: 'share', cell: ({ paired: one }) => figureText(one.share), numeric: true },
  ],
)}`;
}

function cues({ cues: known, pooled, paired }: EvaluationResult): Markup {
  const rows: (Pick<CueFigures, 'reals' | 'fakes' | 'auc' | 'paired'> & { name: string })[] = [
    { name: 'the detector', reals: pooled.all.reals, fakes: pooled.all.fakes, auc: pooled.all.auc, paired },
    ...known.map((figures) => ({ ...figures, name: CUE_WORDS[figures.cue] })),
  ];
  return html`<p>How far simple cues get that look at no face. Their sign was fixed beforehand: an AUC below 0.5 says that the opposite is true of these videos, and 1 − AUC how strongly. Where a cue does as well as the detector, the videos do not show that the detector has learnt more than that cue.</p>
${dataTable(rows, [
  { name: 'taken for the fake', cell: ({ name }) => name },
  { name: 'real + fake', cell: ({ reals, fakes }) => `${reals} + ${fakes}`, numeric: true },
  { name: 'AUC', cell: ({ auc }) => figureText(auc), numeric: true },
  { name: 'pairs', cell: ({ paired: one }) => one.pairs, numeric: true },
  { name: 'fake above its original', cell: ({ paired: one }) => figureText(one.share), numeric: true },
])}
<p class="caption">Softness is measured in the crops that were scored, by the variance of the Laplacian. The others come from columns of the manifest (<code>width,height,face_px,bits_per_pixel</code>, which preprocess writes, and <code>collection</code>): the collection's name is read by the share of fakes among other people's videos of the same collection.</p>`;
}

function hll(result: EvaluationResult): Markup {
  const { hll: pooled } = result;
  const methods = namedMethods(result);
  const rows = [...methods, { method: ALL, hll: pooled }];
  const spreadText = ({ count, mean, deviation }: Spread) =>
    count === 0 ? '–' : `${numberText(mean, 4)} ± ${numberText(deviation, 4)} (${count})`;
  return html`<p>The ${HLL_WORDS}, as the detector computes it from the features of its first layer. This is what the band says by itself, without the rest of the network. An AUC near 0.5 means that by itself it tells nothing; below 0.5, that fakes flicker less than reals. Training with the HLL loss pushes the ratio up for self-blended fakes; whether that carries over to other fakes is what this table shows: the AUC of the ratio alone, and mean ± standard deviation (number of videos).</p>
${dataTable(rows, [
  { name: 'fakes', cell: ({ method }) => html`<bdi>${method}</bdi>` },
  { name: 'AUC of the ratio', cell: ({ hll: one }) => figureText(one.auc), numeric: true },
  { name: 'ratio, real', cell: ({ hll: one }) => spreadText(one.ratio.real), numeric: true },
  { name: 'ratio, fake', cell: ({ hll: one }) => spreadText(one.ratio.fake), numeric: true },
  { name: 'energy, real', cell: ({ hll: one }) => spreadText(one.energy.real), numeric: true },
  { name: 'energy, fake', cell: ({ hll: one }) => spreadText(one.energy.fake), numeric: true },
])}
<div class="charts">${spreadChart({
    title: 'HLL ratio of videos, by method',
    xLabel: 'HLL ratio',
    rows: [
      { name: 'real', colour: REAL_COLOUR, ...pooled.ratio.real },
      ...methods.map(({ method, hll: one }) => ({ name: method, colour: FAKE_COLOUR, ...one.ratio.fake })),
      ...(methods.length === 1 ? [] : [{ name: ALL, colour: FAKE_COLOUR, ...pooled.ratio.fake }]),
    ],
    caption: 'Box: middle half of the videos with the median; line: all of them; dot: mean.',
  })}</div>`;
}

function failed({ failed: list }: EvaluationResult): Markup {
  if (list.length === 0) return html`<p>None: every video of the split was scored.</p>`;
  return html`<p>They count as 0.5, neither real nor fake, in all figures above except pairs and HLL. At the threshold 0.5 that means called fake.</p>
${dataTable(list, [
  { name: 'video', cell: ({ clip }) => html`<bdi>${clip}</bdi>` },
  { name: 'stage', cell: ({ stage }) => stage },
  { name: 'reason', cell: ({ reason }) => reason },
])}`;
}

function meaning({ advice, bootstrap, videos, data, threshold }: EvaluationResult): Markup {
  return html`<ul>
<li><b>AUC</b> is the chance that a fake drawn at random scores above a real video drawn at random. It needs no threshold. <b>EER</b> is the error rate at the threshold where both kinds of error are equally frequent; <b>AP</b> the mean precision over all thresholds, which depends on how many fakes there are among the videos.</li>
<li><b>Accuracy, precision, recall and F1</b> hold at the threshold ${threshold} and at this share of fakes (${videos.fake} of ${videos.total}). A detector can rank well and still have the wrong threshold: look at the histogram. Where ${((100 * Math.max(videos.fake, videos.real)) / videos.total).toFixed(0)} % of the videos are of one class, always naming that class has that accuracy.</li>
<li><b>Intervals</b> come from drawing identities again with replacement, ${bootstrap.resamples} times (seed ${bootstrap.seed}). Videos that share an <code>identity</code> or a <code>pair_group</code> in the manifest are drawn together; without these columns several videos of one person count as independent and the intervals are usually too narrow. They tell how much the figures would move with other people from the same source; not what happens with other generators, cameras or compression.</li>
<li><b>Not said here:</b> how the detector does on methods that are not in the table, on videos that were recompressed or filmed otherwise, or on a single video. A score is no calibrated probability.${data.split !== 'test' && html` And the split "${data.split}" is not the test split: ${data.split === 'train' ? 'the detector has seen these people.' : 'the checkpoint may have been chosen by it.'}`}</li>
</ul>
${
  advice &&
  html`<div class="note"><p><b>The plan's advice</b> for an AUC from ${advice.band[0].toFixed(2)} to ${advice.band[1].toFixed(2)}: “${advice.advice}”.</p><p>That is ${advice.basis}.</p>${
    indecision(advice) && html`<p>${indecision(advice)}</p>`
  }</div>`
}`;
}
