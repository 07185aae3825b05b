import pc from 'picocolors';
import type { LandmarkSpace } from '../../workers/index.js';
import { describeShared } from '../data/sharedBetweenSplits.js';
import { SPLIT_NAMES } from '../data/splits.js';
import { duration } from '../progress.js';
import type { VerificationReport } from './verificationReport.js';

/** Clips of a fault that are named; `--json` names all. */
const MAX_NAMED = 5;

const count = (value: number, noun: string) => `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`;
const named = (names: readonly string[]) =>
  `${names.slice(0, MAX_NAMED).join(', ')}${names.length > MAX_NAMED ? `, … (${names.length - MAX_NAMED} more)` : ''}`;

/** What the landmarks of a wrong space are, and what mends them. */
const SPACES: Record<Exclude<LandmarkSpace, 'crop'>, { what: string; mend: string }> = {
  'full-frame': {
    what: "look like full-frame coordinates (pixels of the video's frame, or of a larger picture) instead of pixels of the crop",
    mend: "subtract the crop's left upper corner and multiply by (crop side / side before resizing)",
  },
  normalised: {
    what: 'look normalised to 0..1 instead of pixels of the crop',
    mend: "multiply x by the crop's width and y by its height",
  },
  swapped: { what: 'look swapped: (y, x) instead of (x, y)', mend: 'exchange the last axis: landmarks[..., ::-1]' },
  outside: { what: 'lie outside the picture', mend: 'detect them again on the crops' },
};

/** The report for a person: facts, then what makes clips unusable, then what is only worth knowing. */
export function verificationText(report: VerificationReport): string {
  const facts = [
    `${report.root}: ${count(report.samples, 'sample')}, ${report.usable.toLocaleString('en')} usable`,
    ...report.shapes.map(
      ({ shape, points, frame_numbers, clips }) =>
        `  ${count(clips, 'clip')} of ${shape.join('×')}, ${points} landmarks${frame_numbers ? '' : ', no frame numbers'}`,
    ),
    splitsLine(report),
  ];
  const faults = faultLines(report).map((text) => `${pc.red('unusable')}  ${text}`);
  const notes = noteLines(report).map((text) => `${pc.yellow('note')}      ${text}`);
  const speed = `read in ${duration(report.seconds)}, ${report.clips_per_second.toFixed(1)} clips/s`;
  const verdict = report.ok ? pc.green('all of it can be used') : pc.red(verdictOf(report));
  return [...facts, ...faults, ...notes, `${speed}: ${verdict}`].join('\n');
}

function verdictOf({ unusable, splits }: VerificationReport): string {
  const parts = [
    ...(unusable > 0 ? [`${count(unusable, 'sample')} cannot be used`] : []),
    ...(splits.error !== null || splits.without_files.length > 0 || splits.shared.length > 0
      ? ['the splits are wrong']
      : []),
  ];
  return parts.join(', and ');
}

function splitsLine({ splits }: VerificationReport): string {
  if (splits.source === null) return '  no splits';
  const parts = SPLIT_NAMES.map((name) => {
    const { real, fake } = splits.counts[name];
    return `${name} ${real.toLocaleString('en')} real${fake > 0 ? ` and ${fake.toLocaleString('en')} fake` : ''}`;
  });
  return `  splits of ${splits.source}: ${parts.join(', ')}`;
}

function faultLines({ missing, unreadable, landmarks, too_short, length, splits }: VerificationReport): string[] {
  const lines: string[] = [];
  if (missing.landmarks.length > 0)
    lines.push(`${count(missing.landmarks.length, 'clip')} without landmarks file: ${named(missing.landmarks)}`);
  if (missing.crops.length > 0)
    lines.push(`${count(missing.crops.length, 'clip')} without crops file: ${named(missing.crops)}`);
  for (const { clip, reason } of unreadable.slice(0, MAX_NAMED)) lines.push(`${clip}: ${reason}`);
  if (unreadable.length > MAX_NAMED)
    lines.push(`${unreadable.length - MAX_NAMED} more cannot be read (--json names all)`);
  for (const [space, { what, mend }] of Object.entries(SPACES)) {
    const clips = landmarks.wrong_space.filter((entry) => entry.space === space);
    if (clips.length === 0) continue;
    const { clip, face, picture } = clips[0]!;
    const [left, top, right, bottom] = face.map((edge) => edge.toFixed(space === 'normalised' ? 2 : 0));
    lines.push(
      `the landmarks of ${count(clips.length, 'clip')} ${what}: ${named(clips.map((entry) => entry.clip))}. ` +
        `In ${clip} the face lies at x ${left}..${right}, y ${top}..${bottom} of a ${picture.join('×')} crop. To mend it: ${mend}.`,
    );
  }
  const short = too_short.filter(({ unusable }) => unusable);
  if (short.length > 0) lines.push(shortLine(short, length));
  if (splits.error !== null) lines.push(`splits: ${splits.error}`);
  if (splits.shared.length > 0) lines.push(`splits: ${describeShared(splits.shared)}`);
  if (splits.without_files.length > 0)
    lines.push(
      `splits: ${count(splits.without_files.length, 'id')} without files: ${named(splits.without_files.map(({ clip, split }) => `${clip} (${split})`))}`,
    );
  return lines;
}

function noteLines({ landmarks, too_short, length, splits }: VerificationReport): string[] {
  const lines: string[] = [];
  const { outside } = landmarks;
  if (outside.length > 0) {
    const worst = outside.reduce((a, b) => (b.share > a.share ? b : a));
    lines.push(
      `some landmarks of ${count(outside.length, 'clip')} lie outside the picture: ${named(outside.map(({ clip }) => clip))}; most in ${worst.clip}, ${(100 * worst.share).toFixed(1)} % in ${count(worst.frames, 'frame')}`,
    );
  }
  const short = too_short.filter(({ unusable }) => !unusable);
  if (short.length > 0) lines.push(`${shortLine(short, length)} (give --config for another length)`);
  if (splits.source === null && splits.error === null)
    lines.push('train needs manifest.csv, or splits/train.json, val.json and test.json');
  if (splits.unassigned > 0) lines.push(`${count(splits.unassigned, 'clip')} on disk in no split`);
  return lines;
}

function shortLine(short: VerificationReport['too_short'], length: VerificationReport['length']): string {
  const { num_segments, frames_per_segment } = length;
  return `${count(short.length, 'clip')} not fit for ${num_segments} runs of ${frames_per_segment} contiguous frames (too short, or longer than twice that without frame numbers): ${named(short.map(({ clip }) => clip))}`;
}
