import { headline } from './verdictText.js';
import type { VideoVerdict } from './videoVerdict.js';

const COLUMNS = ['file', 'face', 'probability', 'low', 'high', 'clips', 'verdict', 'note'];

/** A row per face, and one for each video without; RFC 4180, numbers in full precision, cells without a value empty. */
export function verdictsCsv(verdicts: readonly VideoVerdict[]): string {
  const rows = verdicts.flatMap((result) => {
    const { file, faces, reason } = result;
    if (result.status !== 'judged') return [[file, null, null, null, null, 0, headline(result), reason]];
    return faces.map(({ face, probability, interval, clips, verdict, note }) => [
      ...[file, face, probability, interval?.low, interval?.high, clips.length],
      ...[verdict ?? 'no verdict', note],
    ]);
  });
  const lines = rows.map((cells) => cells.map((cell) => quoted(String(cell ?? ''))).join(','));
  return `${[COLUMNS.join(','), ...lines].join('\r\n')}\r\n`;
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
