import { basename } from 'node:path';
import { numberText } from '../evaluation/figureText.js';
import { duration } from '../progress.js';
import { dataTable } from '../report/dataTable.js';
import { type HtmlValue, html, type Markup } from '../report/html.js';
import { htmlPage, type PageSection } from '../report/htmlPage.js';
import { timelineChart } from '../report/timelineChart.js';
import type { ClipStrip } from './clipStrips.js';
import { decidingFace, type FaceVerdict } from './faceVerdict.js';
import { meaning } from './meaning.js';
import { counted, headline, spanText } from './verdictText.js';
import type { VideoVerdict } from './videoVerdict.js';

/** The whole page `verdict.html`. */
export function verdictPage(result: VideoVerdict, strips: readonly ClipStrip[]): string {
  const { faces, judge } = result;
  return htmlPage({
    title: `${headline(result)}: ${basename(result.file)}`,
    lead: lead(result),
    sections: [
      ...faces.map((face) => faceSection(result, face, strips)),
      { id: 'meaning', title: 'What the number means, and what not', content: paragraphs(meaning(judge, faces)) },
      { id: 'made', title: 'How it was made', content: howMade(result) },
    ],
  });
}

function lead(result: VideoVerdict): HtmlValue {
  const { status, reason, faces, video, file, judge } = result;
  const { calibration } = judge.checkpoint;
  const about = html`<p><bdi>${file}</bdi>${video && html`<br/><small>${video.width} × ${video.height} pixels, ${video.frames.toLocaleString('en')} frames, ${secondsText(video.seconds)}</small>`}</p>`;
  if (status !== 'judged')
    return [
      about,
      html`<div class="note${status === 'failed' && ' warn'}"><p><b>${headline(result)}</b>: ${reason}.</p><p>${
        status === 'no face'
          ? 'Without a face there is nothing that this detector could judge: this says neither that the video is genuine nor that it is manipulated.'
          : 'Nothing is said about this video.'
      }</p></div>`,
    ];
  const shown = decidingFace(faces)!;
  const tile = (name: string, value: HtmlValue, more?: HtmlValue) =>
    html`<div>${name}<b>${value}</b><small>${more}</small></div>`;
  return [
    about,
    html`<div class="tiles">${[
      tile('verdict', headline(result), faces.length > 1 && `by face ${shown.face} of ${faces.length}`),
      tile(
        calibration ? 'probability' : 'raw score',
        numberText(shown.probability, 2),
        calibration ? 'of a self-blended fake' : 'this checkpoint is not calibrated',
      ),
      tile(
        `${(100 * judge.bootstrap.level).toFixed(0)} % interval`,
        shown.interval ? `${numberText(shown.interval.low, 2)}–${numberText(shown.interval.high, 2)}` : 'none',
        `over ${counted(shown.clips.length, 'clip')}`,
      ),
      tile(
        'validation AUC',
        calibration ? calibration.auc.toFixed(3) : '–',
        calibration ? `on ${calibration.pairs} self-blended pairs` : 'not known',
      ),
    ]}</div>`,
    faces.length > 1 && faceTable(faces),
    html`<div class="note warn"><p><b>No proof.</b> ${
      calibration
        ? 'The number was calibrated on self-blended fakes, not on real deepfakes.'
        : 'The number is not calibrated.'
    } <a href="#meaning">What it means, and what not</a>.</p></div>`,
  ];
}

const secondsText = (seconds: number): string => (seconds < 60 ? `${seconds.toFixed(1)} s` : duration(seconds));

const faceTable = (faces: readonly FaceVerdict[]): Markup =>
  dataTable(faces, [
    { name: 'face', cell: ({ face }) => html`<a href="#face-${face}">${face}</a>`, numeric: true },
    {
      name: 'verdict',
      cell: ({ verdict, note }) => html`${verdict ?? 'no verdict'}${note && html`<br/><small>${note}</small>`}`,
    },
    { name: 'probability', cell: ({ probability }) => numberText(probability, 2), numeric: true },
    {
      name: 'interval',
      cell: ({ interval }) => (interval ? `${numberText(interval.low, 2)}–${numberText(interval.high, 2)}` : '–'),
      numeric: true,
    },
    { name: 'clips', cell: ({ clips }) => clips.length, numeric: true },
    {
      name: 'side, pixels',
      title: 'of the square around it in the video',
      cell: ({ facePx }) => facePx,
      numeric: true,
    },
  ]);

function faceSection(result: VideoVerdict, face: FaceVerdict, strips: readonly ClipStrip[]): PageSection {
  const { judge, video, faces } = result;
  const { probability, interval, clips, note } = face;
  const title = faces.length === 1 ? 'Over time' : `Face ${face.face}${face.face === 1 ? ', the main one' : ''}`;
  if (probability === null) return { id: `face-${face.face}`, title, content: html`<p>${note}</p>` };
  const own = strips.filter((strip) => strip.face === face.face);
  const several = judge.clips.segments > 1;
  return {
    id: `face-${face.face}`,
    title,
    content: html`${note && html`<p>${note}.</p>`}<div class="charts">${timelineChart({
      title: `Probability by clip, face ${face.face}`,
      seconds: Math.max(video!.seconds, ...clips.map(({ to }) => to)),
      yLabel: judge.checkpoint.calibration ? 'probability' : 'raw score',
      parts: clips.map((clip) => ({
        name: `${spanText(clip)}: ${numberText(clip.probability)}`,
        value: clip.probability,
        stretches: clip.segments,
      })),
      mean: { value: probability, interval },
      mark: { at: judge.threshold, name: `threshold ${judge.threshold}` },
      caption: `Bars: the frames that were looked at${several ? '; those joined by a line are one clip and have one number' : ''}. Line and band: mean and interval. Dashed: the threshold ${judge.threshold}.`,
    })}</div>
<h3>Most suspicious</h3>
<p class="soft">As the network saw them: the face as it cut it out, ${own[0] ? `${own[0].frames} of each clip's ${judge.clips.segments * judge.clips.framesPerSegment} frames` : 'a few frames'} in order of time.</p>
<div class="sheets">${own.map(
      ({ clip, frames, width, height, jpeg }) =>
        html`<figure><img alt="${frames} frames of face ${face.face}, ${spanText(clip)}, ${numberText(clip.probability, 2)}" width="${width}" height="${height}" src="data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}"/><figcaption class="caption">${spanText(clip)}: <b>${numberText(clip.probability, 2)}</b></figcaption></figure>`,
    )}</div>
<details><summary>All clips</summary>${dataTable(clips, [
      {
        name: several ? 'seconds of its runs' : 'seconds',
        cell: ({ segments }) => segments.map(spanText).join(', '),
      },
      { name: 'probability', cell: (clip) => numberText(clip.probability), numeric: true },
      { name: 'raw score', cell: ({ score }) => numberText(score), numeric: true },
    ])}</details>`,
  };
}

const paragraphs = (texts: readonly [string, string][]): Markup =>
  html`<ul>${texts.map(([heading, text]) => html`<li><b>${heading}</b> ${text}</li>`)}</ul>`;

function howMade({ judge, passed }: VideoVerdict): Markup {
  const { checkpoint, engine, clips, cropSize, bootstrap } = judge;
  const { calibration } = checkpoint;
  const rows: [string, HtmlValue][] = [
    ['checkpoint', html`<bdi>${checkpoint.file}</bdi>`],
    ['its SHA-256', html`<code>${checkpoint.sha256}</code>`],
    [
      'trained',
      `${checkpoint.phase === undefined ? '' : `phase ${checkpoint.phase}, `}${checkpoint.step === undefined ? 'steps not known' : `${checkpoint.step.toLocaleString('en')} steps`}`,
    ],
    [
      'calibration',
      calibration
        ? `temperature ${calibration.temperature.toFixed(3)} from ${calibration.pairs} validation pairs at step ${calibration.step}; their negative log-likelihood ${calibration.nllUncalibrated.toFixed(3)} before, ${calibration.nll.toFixed(3)} after (a coin: ${Math.LN2.toFixed(3)})`
        : 'none in this checkpoint',
    ],
    [
      'clips',
      `up to ${clips.wanted} a face, each of ${clips.segments} × ${clips.framesPerSegment} frames at ${clips.imgSize} px from crops of ${cropSize} px, from parts of the video of their own`,
    ],
    ['interval', `${bootstrap.resamples} bootstrap draws of clips, seed ${bootstrap.seed}`],
    ['engine', `${engine.name} ${engine.version} on ${engine.device}`],
  ];
  return html`${dataTable(rows, [
    { name: 'what', cell: ([name]) => html`<span style="white-space: nowrap">${name}</span>` },
    { name: '', cell: ([, value]) => value },
  ])}${
    passed.length > 0 &&
    html`<h3>Places in the video that were passed over</h3>${dataTable(passed, [
      { name: 'reason', cell: ({ reason }) => reason },
      { name: 'times', cell: ({ times }) => times, numeric: true },
    ])}`
  }`;
}
