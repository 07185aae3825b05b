import { relative } from 'node:path';
import { numberText } from '../evaluation/figureText.js';
import { dataTable } from '../report/dataTable.js';
import { html } from '../report/html.js';
import { htmlPage } from '../report/htmlPage.js';
import { decidingFace } from './faceVerdict.js';
import { meaning } from './meaning.js';
import { headline } from './verdictText.js';
import type { VideoVerdict } from './videoVerdict.js';

/** `index.html` of a batch: a row per video; `page` is the address of a video's own page, relative to it. */
export function batchPage(videos: readonly { result: VideoVerdict; page: string }[]): string {
  const [first] = videos;
  return htmlPage({
    title: `Verdicts on ${videos.length} video${videos.length === 1 ? '' : 's'}`,
    lead: html`<div class="note warn"><p><b>No proof</b>, and among many videos some false alarms are to be expected. <a href="#meaning">What the number means, and what not</a>.</p></div>`,
    sections: [
      {
        id: 'videos',
        title: 'Videos',
        content: dataTable(videos, [
          {
            name: 'video',
            cell: ({ result, page }) => html`<a href="${page}"><bdi>${relative('', result.file)}</bdi></a>`,
          },
          { name: 'verdict', cell: ({ result }) => headline(result) },
          {
            name: 'probability',
            title: 'of the face that the video is judged by',
            cell: ({ result: { faces } }) => numberText(decidingFace(faces)?.probability ?? null, 2),
            numeric: true,
          },
          { name: 'faces', cell: ({ result }) => result.faces.length, numeric: true },
          { name: 'note', cell: ({ result }) => result.reason },
        ]),
      },
      {
        id: 'meaning',
        title: 'What the number means, and what not',
        content:
          first &&
          html`<ul>${meaning(
            first.result.judge,
            videos.flatMap(({ result }) => result.faces),
          ).map(([heading, text]) => html`<li><b>${heading}</b> ${text}</li>`)}</ul>`,
      },
    ],
  });
}
