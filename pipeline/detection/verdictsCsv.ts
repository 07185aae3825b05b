import { csvText } from '../csvText.js';
import { headline } from './verdictText.js';
import type { VideoVerdict } from './videoVerdict.js';

const COLUMNS = ['file', 'face', 'probability', 'low', 'high', 'clips', 'verdict', 'note'];

/** A row per face, and one for each video without. */
export function verdictsCsv(verdicts: readonly VideoVerdict[]): string {
  const rows = verdicts.flatMap((result) => {
    const { file, faces, reason } = result;
    if (result.status !== 'judged') return [[file, null, null, null, null, 0, headline(result), reason]];
    return faces.map(({ face, probability, interval, clips, verdict, note }) => [
      ...[file, face, probability, interval?.low, interval?.high, clips.length],
      ...[verdict ?? 'no verdict', note],
    ]);
  });
  return csvText(COLUMNS, rows);
}
