import type { ClipInspection, LandmarkSpace } from '../../workers/index.js';
import type { DataRoot } from '../data/dataRoot.js';
import { faceForensicsFakes } from '../data/faceForensicsFakes.js';
import { type SharedBetweenSplits, sharedBetweenSplits } from '../data/sharedBetweenSplits.js';
import { SPLIT_NAMES, type SplitEntry, type SplitName, type Splits } from '../data/splits.js';

/** Which runs of frames a sample is cut from, as `data.num_segments` and `data.frames_per_segment`. */
export type ClipLength = { num_segments: number; frames_per_segment: number };

/** The splits as read, why they could not be, or that there are none. */
export type SplitsRead = { splits: Splits } | { error: string } | undefined;

/** What verify-data found, as `--json` prints it. Lists of clips are sorted. */
export type VerificationReport = {
  root: string;
  /** Ids with at least one of the two files. */
  samples: number;
  /** Clips that training could use. */
  usable: number;
  /** Clips that cannot be used; each stands in one of the lists below. */
  unusable: number;
  missing: { crops: string[]; landmarks: string[] };
  shapes: { shape: number[]; points: number; frame_numbers: boolean; clips: number }[];
  unreadable: { clip: string; reason: string }[];
  landmarks: {
    wrong_space: { clip: string; space: LandmarkSpace; face: number[]; picture: number[] }[];
    /** Usable clips of which some points lie outside the picture. */
    outside: { clip: string; points: number; frames: number; share: number }[];
  };
  /** Clips with too few contiguous frames for `length`; they count as unusable where the length was asked for. */
  too_short: { clip: string; runs: number[]; unusable: boolean }[];
  length: ClipLength & { asked: boolean };
  splits: {
    source: string | null;
    error: string | null;
    counts: Record<SplitName, { real: number; fake: number }>;
    /** Ids of a split that have neither file. */
    without_files: { clip: string; split: SplitName }[];
    shared: SharedBetweenSplits[];
    /** Clips on disk that no split names. */
    unassigned: number;
  };
  seconds: number;
  clips_per_second: number;
  /** Whether everything can be used; exit code 2 if not. */
  ok: boolean;
};

/** Gathers what is found clip by clip. */
export class Verification {
  readonly #shapes = new Map<string, VerificationReport['shapes'][number]>();
  readonly #unreadable: VerificationReport['unreadable'] = [];
  readonly #wrongSpace: VerificationReport['landmarks']['wrong_space'] = [];
  readonly #outside: VerificationReport['landmarks']['outside'] = [];
  readonly #tooShort: VerificationReport['too_short'] = [];
  #usable = 0;

  constructor(
    private readonly data: DataRoot,
    private readonly length: VerificationReport['length'],
  ) {}

  /** Ids with both files, which are worth reading. */
  get pairs(): string[] {
    const landmarks = new Set(this.data.landmarkIds);
    return this.data.ids.filter((id) => landmarks.has(id));
  }

  add(clip: ClipInspection): void {
    const { id } = clip;
    if (!clip.readable) {
      this.#unreadable.push({ clip: id, reason: clip.reason });
      return;
    }
    const { shape, points, numbered, runs, landmarks } = clip;
    const key = `${shape} ${points} ${numbered}`;
    const known = this.#shapes.get(key);
    if (known) known.clips++;
    else this.#shapes.set(key, { shape, points, frame_numbers: numbered, clips: 1 });

    const { space, face, outsidePoints, outsideFrames } = landmarks;
    const [frames, height, width] = shape;
    if (space !== 'crop') {
      const box = [face.left, face.top, face.right, face.bottom].map((edge) => Math.round(edge * 100) / 100);
      this.#wrongSpace.push({ clip: id, space, face: box, picture: [width, height] });
      return;
    }
    if (outsidePoints > 0) {
      const share = outsidePoints / (frames * points);
      this.#outside.push({ clip: id, points: outsidePoints, frames: outsideFrames, share });
    }
    if (this.#isTooShort(frames, numbered, runs)) {
      this.#tooShort.push({ clip: id, runs, unusable: this.length.asked });
      if (this.length.asked) return;
    }
    this.#usable++;
  }

  /** As training sees it: without numbers a clip may be at most twice as long as a sample, and is one run. */
  #isTooShort(frames: number, numbered: boolean, runs: readonly number[]): boolean {
    const { num_segments, frames_per_segment } = this.length;
    const windows = runs.reduce((sum, run) => sum + Math.floor(run / frames_per_segment), 0);
    return windows < num_segments || (!numbered && frames > 2 * num_segments * frames_per_segment);
  }

  report(read: SplitsRead, seconds: number): VerificationReport {
    const { data } = this;
    const [crops, landmarks] = [new Set(data.ids), new Set(data.landmarkIds)];
    const missing = {
      crops: data.landmarkIds.filter((id) => !crops.has(id)),
      landmarks: data.ids.filter((id) => !landmarks.has(id)),
    };
    const samples = crops.size + missing.crops.length;
    const unusable = samples - this.#usable;
    const splits = describeSplits(read, crops, landmarks);
    const byClip = <T extends { clip: string }>(list: T[]) => list.sort((a, b) => (a.clip < b.clip ? -1 : 1));
    return {
      root: data.path,
      samples,
      usable: this.#usable,
      unusable,
      missing,
      shapes: [...this.#shapes.values()].sort((a, b) => b.clips - a.clips),
      unreadable: byClip(this.#unreadable),
      landmarks: { wrong_space: byClip(this.#wrongSpace), outside: byClip(this.#outside) },
      too_short: byClip(this.#tooShort),
      length: this.length,
      splits,
      seconds,
      clips_per_second: this.pairs.length / seconds,
      ok: unusable === 0 && splits.error === null && splits.without_files.length === 0 && splits.shared.length === 0,
    };
  }
}

function describeSplits(
  read: SplitsRead,
  crops: ReadonlySet<string>,
  landmarks: ReadonlySet<string>,
): VerificationReport['splits'] {
  const splits = read && 'splits' in read ? read.splits : undefined;
  const clips = splits && withFakes(splits, [...crops]);
  const clipsOf = (name: SplitName) => clips?.[name] ?? [];
  const withLabel = (name: SplitName, wanted: 0 | 1) => clipsOf(name).filter(({ label }) => label === wanted).length;
  const assigned = new Set(SPLIT_NAMES.flatMap((name) => clipsOf(name).map(({ id }) => id)));
  return {
    source: splits?.source ?? null,
    error: read && 'error' in read ? read.error : null,
    counts: Object.fromEntries(
      SPLIT_NAMES.map((name) => [name, { real: withLabel(name, 0), fake: withLabel(name, 1) }]),
    ) as VerificationReport['splits']['counts'],
    without_files: SPLIT_NAMES.flatMap((split) =>
      clipsOf(split)
        .filter(({ id }) => !crops.has(id) && !landmarks.has(id))
        .map(({ id }) => ({ clip: id, split })),
    ),
    shared: clips ? sharedBetweenSplits(clips) : [],
    unassigned: clips ? [...crops].filter((id) => !assigned.has(id)).length : 0,
  };
}

/** Lists name originals alone; their FaceForensics++ fakes in the data root belong to them, as for evaluation. */
function withFakes({ source, clips }: Splits, ids: readonly string[]): Record<SplitName, SplitEntry[]> {
  if (source.endsWith('.csv')) return clips;
  const known = new Set(SPLIT_NAMES.flatMap((name) => clips[name].map(({ id }) => id)));
  const fakesOf = (name: SplitName) =>
    faceForensicsFakes(
      clips[name].map(({ id }) => id),
      known,
      ids,
    );
  return Object.fromEntries(SPLIT_NAMES.map((name) => [name, [...clips[name], ...fakesOf(name)]])) as Record<
    SplitName,
    SplitEntry[]
  >;
}
