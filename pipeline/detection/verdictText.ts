import { relative } from 'node:path';
import { numberText } from '../evaluation/figureText.js';
import type { FaceVerdict } from './faceVerdict.js';
import type { VideoVerdict } from './videoVerdict.js';

/** `12.4–13.1 s`. */
export const spanText = ({ from, to }: { from: number; to: number }): string => `${from.toFixed(1)}–${to.toFixed(1)} s`;

/** `1 clip`, `8 clips`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** What the headline says. */
export const headline = ({ status, verdict }: VideoVerdict): string =>
  status === 'judged' ? verdict! : status === 'no face' ? 'no face found' : 'not judged';

/** A video's verdict for the terminal, a line for each face. */
export function verdictText(result: VideoVerdict): string {
  const { file, reason, faces, judge } = result;
  // Control characters in a name are for no terminal.
  const name = JSON.stringify(relative('', file)).slice(1, -1);
  if (result.status !== 'judged') return `${name}: ${headline(result)}: ${reason}`;
  const level = `${(100 * judge.bootstrap.level).toFixed(0)} %`;
  const lines = faces.map((face) => `  ${faces.length > 1 ? `face ${face.face}: ` : ''}${faceText(face, level)}`);
  return [`${name}: ${headline(result)}`, ...lines].join('\n');
}

function faceText({ verdict, probability, interval, clips, note }: FaceVerdict, level: string): string {
  if (probability === null) return note ?? '';
  const worst = clips.reduce((a, b) => (b.probability > a.probability ? b : a));
  return [
    `${verdict ?? 'no verdict'}, ${numberText(probability, 2)}`,
    interval && ` (${level} interval ${numberText(interval.low, 2)}–${numberText(interval.high, 2)})`,
    ` over ${counted(clips.length, 'clip')}`,
    clips.length > 1 && `; most suspicious ${spanText(worst)}: ${numberText(worst.probability, 2)}`,
    note && `; ${note}`,
  ]
    .filter(Boolean)
    .join('');
}

/** What has to be said with every number, where there is no room for more. */
export function shortMeaning({ judge: { checkpoint } }: VideoVerdict): string {
  const { calibration } = checkpoint;
  return calibration
    ? `numbers: probability of a self-blended fake, calibrated on ${calibration.pairs} validation pairs (AUC ${calibration.auc.toFixed(3)}), not on real deepfakes; no proof`
    : 'numbers: raw scores of a checkpoint that is not calibrated; no proof';
}
