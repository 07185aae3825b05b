import { csvText } from '../csvText.js';
import type { ScoredVideo } from './scoreVideos.js';

const COLUMNS: readonly [name: string, cell: (video: ScoredVideo) => string | number | null | undefined][] = [
  ['id', ({ id }) => id],
  ['label', ({ label }) => label],
  ['method', ({ method }) => method],
  ['pair_group', ({ pairGroup }) => pairGroup],
  ['score', ({ score }) => score],
  ['score_1_clip', ({ score1Clip }) => score1Clip],
  ['hll_ratio', ({ hllRatio }) => hllRatio],
  ['hll_energy', ({ hllEnergy }) => hllEnergy],
  ['clips', ({ clips }) => clips],
  ['sharpness', ({ properties }) => properties?.sharpness],
  ['note', ({ failure }) => failure && `not scored: ${failure.stage}: ${failure.reason}`],
];

/** A row per video. */
export function evaluationCsv(videos: readonly ScoredVideo[]): string {
  const rows = videos.map((video) => COLUMNS.map(([, cell]) => cell(video)));
  return csvText(
    COLUMNS.map(([name]) => name),
    rows,
  );
}
