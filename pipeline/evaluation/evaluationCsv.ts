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

/** A row per video (RFC 4180); numbers in full precision, cells without a value empty. */
export function evaluationCsv(videos: readonly ScoredVideo[]): string {
  const rows = videos.map((video) => COLUMNS.map(([, cell]) => quoted(String(cell(video) ?? ''))));
  return `${[COLUMNS.map(([name]) => name), ...rows].map((cells) => cells.join(',')).join('\r\n')}\r\n`;
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
