import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type RecordedPart, type Recording, type RecordingDraft, RecordingError } from '../../operators/index.js';
import { type ClipSource, mapOtherSources, type SynthesisTask } from '../../workers/index.js';
import type { MicroBatch } from '../training/microBatch.js';

/** Of which run a batch is: enough to make it again and to train on it as the run did. */
export type RecordedRun = {
  phase: string;
  /** The resolved configuration in the sections of a YAML file. */
  config: object;
  steps_per_epoch: number;
  /** Length of the learning-rate schedule in optimiser steps. */
  schedule_steps: number;
  /** What compressed the clips, as in config.json. */
  codec: object;
};

/** The part that holds the clips. */
const CLIPS = 'clips';

const whole = z.number().int().nonnegative();
const side = z.number().int().positive();
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are just what must not be in a file name
const clipId = z.string().regex(/^(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]+$/);
const source = { clip: clipId, crops: z.string(), landmarks: z.string() };
const stage = z.looseObject({ stage: z.string(), params: z.record(z.string(), z.unknown()) });
const headerSchema = z.object({
  kind: z.literal('micro-batch'),
  step: z.number().int().positive(),
  micro: whole,
  epoch: whole,
  failed: whole,
  shape: z.tuple([side, side, side, side, z.literal(3)]),
  labels: z.array(z.union([z.literal(0), z.literal(1)])),
  pairs: z.array(
    z.object({
      ...source,
      seed: z.number().int(),
      epoch: z.number().int(),
      position: whole,
      recipe: whole,
      mix: z.object({ frames: side, companions: z.array(z.object(source)) }).optional(),
      donors: z.array(z.object(source)).optional(),
    }),
  ),
  recipes: z.array(z.object({ stages: z.array(stage) })),
  run: z.object({
    phase: z.enum(['baseline', 'a', 'b', 'debug']),
    config: z.looseObject({}),
    config_sha256: z.string(),
    steps_per_epoch: side,
    schedule_steps: side,
    codec: z.looseObject({}),
  }),
});

type StoredSource = { clip: string; crops: string; landmarks: string };

/** What is stored beside the clips of a recorded micro-batch. */
export type BatchHeader = z.infer<typeof headerSchema>;

/** A micro-batch read from a recording; `tasks` say how each pair was made. */
export type RecordedBatch = {
  file: string;
  header: BatchHeader;
  tasks: SynthesisTask[];
  micro: MicroBatch;
};

/** `step-000012-micro-0.msgpack` */
export const recordingName = (step: number, micro: number): string =>
  `step-${String(step).padStart(6, '0')}-micro-${micro}.msgpack`;

/** Hex SHA-256 of the configuration: two batches with the same were made by the same settings. */
export const configDigest = (sections: object): string =>
  createHash('sha256').update(JSON.stringify(sections)).digest('hex');

/** What to write of a micro-batch. A recipe that several pairs share, as all of an epoch do, is stored once. */
export function draftOfBatch(
  micro: MicroBatch,
  tasks: readonly SynthesisTask[],
  run: RecordedRun,
): RecordingDraft & { name: string } {
  const recipes = new Map<string, SynthesisTask['recipe']>();
  const stored = ({ id: clip, crops, landmarks }: ClipSource) => ({ clip, crops, landmarks });
  const pairs = tasks.map((task) => {
    const text = JSON.stringify(task.recipe);
    recipes.set(text, task.recipe);
    return {
      ...{ ...stored(task.source), ...task.key, recipe: [...recipes.keys()].indexOf(text) },
      ...mapOtherSources(task, stored),
    };
  });
  const { step, micro: index, epoch, failed } = micro;
  const header: BatchHeader = {
    kind: 'micro-batch',
    ...{ step, micro: index, epoch, failed },
    shape: [...micro.shape] as BatchHeader['shape'],
    labels: [...micro.labels] as BatchHeader['labels'],
    pairs,
    recipes: [...recipes.values()],
    run: { ...run, config_sha256: configDigest(run.config) } as BatchHeader['run'],
  };
  return {
    name: recordingName(step, index),
    header,
    parts: [{ name: CLIPS, bytes: micro.clips, sha256: micro.sha256 }],
  };
}

/**
 * The micro-batch in a recording, with how it was made. Its clips have memory of their own and can be moved.
 *
 * @throws RecordingError if it is a recording of something else.
 */
export function batchOfRecording(file: string, { header: stored, parts }: Recording): RecordedBatch {
  const parsed = headerSchema.safeParse(stored);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RecordingError(
      file,
      0,
      'the header of a micro-batch',
      `${issue!.path.join('.') || 'it'}: ${issue!.message}`,
    );
  }
  const header = parsed.data;
  const { shape, labels, pairs, recipes, step, micro, epoch, failed } = header;
  const clips = parts.find(({ name }) => name === CLIPS);
  checkConsistent(file, header, clips);
  const located = ({ clip: id, crops, landmarks }: StoredSource): ClipSource => ({ id, crops, landmarks });
  const tasks = pairs.map(
    ({ seed, epoch: of, position, recipe, ...sources }): SynthesisTask => ({
      source: located(sources),
      key: { seed, epoch: of, position },
      recipe: recipes[recipe]!,
      ...mapOtherSources(sources, located),
    }),
  );
  return {
    file,
    header,
    tasks,
    micro: {
      ...{ step, micro, epoch, failed, shape },
      clips: clips.bytes,
      labels: Int32Array.from(labels),
      ids: pairs.map(({ clip }) => clip),
      keys: tasks.map(({ key }) => key),
      sha256: clips.sha256,
    },
  };
}

function checkConsistent(
  file: string,
  { shape, labels, pairs, recipes }: BatchHeader,
  clips: RecordedPart | undefined,
): asserts clips is RecordedPart {
  const refuse = (expected: string, found: string): never => {
    throw new RecordingError(file, 0, expected, found);
  };
  const bytes = shape.reduce((product, length) => product * length, 1);
  if (!clips) refuse(`a part named "${CLIPS}"`, 'none');
  else if (clips.bytes.length !== bytes)
    refuse(`clips [${shape.join(',')}] of ${bytes} bytes`, `${clips.bytes.length} bytes`);
  if (labels.length !== shape[0]) refuse(`${shape[0]} labels`, String(labels.length));
  if (2 * pairs.length !== shape[0]) refuse(`${shape[0] / 2} pairs`, String(pairs.length));
  const unknown = pairs.find(({ recipe }) => recipe >= recipes.length);
  if (unknown) refuse(`a recipe below ${recipes.length} for clip ${unknown.clip}`, String(unknown.recipe));
}
