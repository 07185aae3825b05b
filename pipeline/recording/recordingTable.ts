import type { RecordedBatch } from './recordedBatch.js';
import type { Verdict } from './verifyBatch.js';

/** What became of one recording, for the table and as JSON. */
export type RecordingRow = {
  file: string;
  status: 'ok' | 'damaged' | 'same' | 'differs' | 'failed';
  /** Of a damaged one. */
  error?: string;
  offset?: number;
  step?: number;
  micro?: number;
  epoch?: number;
  clips?: string[];
  seeds?: string[];
  shape?: readonly number[];
  bytes?: number;
  sha256?: string;
  config_sha256?: string;
  verdict?: Verdict;
};

/** A row of the table without its verdict. */
export function rowOf({ file, header, micro }: RecordedBatch, seeds: string[]): RecordingRow {
  return {
    file,
    status: 'ok',
    step: header.step,
    micro: header.micro,
    epoch: header.epoch,
    clips: micro.ids,
    seeds,
    shape: header.shape,
    bytes: micro.clips.length,
    sha256: micro.sha256,
    config_sha256: header.run.config_sha256,
  };
}

const HEAD = ['step', 'micro', 'epoch', 'shape', 'MB', 'sha256', 'status', 'clips'];
const WIDTHS = [6, 5, 5, 18, 8, 12, 8, 0];

const line = (cells: readonly string[]): string =>
  cells
    .map((cell, i) => (i < 3 || i === 4 ? cell.padStart(WIDTHS[i]!) : cell.padEnd(WIDTHS[i]!)))
    .join('  ')
    .trimEnd();

export const tableHead = (): string => line(HEAD);

/** One line of the table; a damaged file has its error there. */
export function tableLine({
  file,
  status,
  error,
  step,
  micro,
  epoch,
  clips,
  shape,
  bytes,
  sha256,
}: RecordingRow): string {
  if (status === 'damaged') return `damaged: ${error ?? file}`;
  return line([
    String(step),
    String(micro),
    String(epoch),
    shape!.join('×'),
    (bytes! / 1e6).toFixed(2),
    sha256!.slice(0, 12),
    status,
    clips!.join(' '),
  ]);
}
