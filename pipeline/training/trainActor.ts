import {
  CheckpointError,
  ConfigError,
  describeTransfer,
  EngineError,
  type EngineInfo,
  loadBackbone,
  type MicroResult,
  measureMatrixPeak,
  type NextClips,
  type Precision,
  phaseBAliases,
  pretrainedFile,
  readCheckpoint,
  type StfConfig,
  StfMamba,
  startEngine,
  Trainer,
  transferWeights,
} from '../../model/index.js';
import { keyedGenerator } from '../../workers/index.js';
import { ClipsAtOnce } from '../run/clipsAtOnce.js';
import { type SaveRequest, saveCheckpoint } from '../run/saveCheckpoint.js';
import { microKey } from './microBatch.js';
import { OutOfMemoryError, SplitSteps } from './splitSteps.js';
import { Utilisation } from './utilisation.js';

/*
 * The train actor: holds the engine, the model and the optimiser in a worker thread, so that a step never blocks the
 * stream, the signal handlers or the progress line. One message at a time; the caller waits for each answer, so a
 * checkpoint is always that of a whole optimiser step.
 */

export type StartRequest = {
  config: StfConfig;
  stepsPerEpoch: number;
  totalSteps: number;
  /** Step (0-based) at which the warm-up begins. */
  warmupFrom?: number;
  /** In how many parts micro-batches are computed to begin with. */
  parts?: number;
  /** Checkpoint to continue from, exactly (weights, moments, counters). */
  resume?: string;
  /** Checkpoint of another phase to begin with: what fits of its weights, and nothing else. */
  transfer?: string;
  /** Whether attention layers of Phase A are to begin Mamer blocks of Phase B. */
  aliases?: boolean;
};
/** How the training step is computed. */
export type Computation = {
  step: 'recorded' | 'eager';
  precision: Precision;
  /** Our own operations: `on`, or why not. */
  operations: string;
};
/** `notes`: what was loaded, in words. */
export type StartReply = { engine: EngineInfo; computation: Computation; parameters: number; notes: string[] };
/**
 * `clips` uint8 `[B,T,H,W,3]`, moved, or left out where the call before brought them as its `next`; labels `[B]`. `next`:
 * those of the micro-batch after this one, if they are made already, moved too, under their microKey.
 */
export type MicroRequest = {
  clips?: Uint8Array;
  labels: Int32Array;
  step: number;
  micro: number;
  seed: number;
  next?: NextClips;
};
/**
 * What the user should know of a call, such as why its step is not recorded, and how training steps are computed from
 * now on, where that has changed.
 */
export type News = { notes: string[]; computation?: Computation };
/**
 * `parts`: in how many the micro-batch was computed, more than one where memory is short. `staging`: whether the next
 * call had better bring a `next`.
 */
export type MicroReply = News & { result: MicroResult; parts: number; staging: boolean; ms: number };
/** `utilisation`: what the step's matrix products and convolutions made of the engine's peak, where it was recorded. */
export type ApplyReply = News & { gradNorm: number; lr: number; skipped: boolean; utilisation?: number; ms: number };
export type ScoreRequest = { clips: Uint8Array; count: number };
export type ScoreReply = News & { probability: Float32Array; hllRatio: Float32Array };

/** What is to be told with the next answer. */
const notes: string[] = [];
type Session = {
  model: StfMamba;
  trainer: Trainer;
  steps: SplitSteps;
  utilisation: Utilisation;
  engine: EngineInfo;
  /** As it was told last. */
  computation: Computation;
  /** Clips that came before the call that they are for. */
  next?: NextClips;
};
let session: Session | undefined;
const clipsAtOnce = new ClipsAtOnce((most) =>
  notes.push(`memory ran out while clips were scored: at most ${most} at once from now on`),
);

function running() {
  if (!session) throw new Error('train actor: start must come first');
  return session;
}

const computationOf = ({ trainer, engine }: Pick<Session, 'trainer' | 'engine'>): Computation => ({
  step: trainer.stepMode,
  precision: trainer.precision,
  operations: engine.operations,
});

/** What has not been told yet. */
function news(): News {
  const session = running();
  const computation = computationOf(session);
  const changed = computation.step !== session.computation.step;
  session.computation = computation;
  return { notes: notes.splice(0), ...(changed ? { computation } : {}) };
}

/** Errors lose their class between threads; what the user must be told travels as a name and a message. */
export type ActorFailure = { failed: { name: string; message: string; code?: string } };

async function answered<T>(work: () => T | Promise<T>): Promise<T | ActorFailure> {
  try {
    return await work();
  } catch (error) {
    for (const known of [ConfigError, CheckpointError, EngineError, OutOfMemoryError])
      if (error instanceof known) {
        const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
        return { failed: { name: error.name, message: error.message, ...(code === undefined ? {} : { code }) } };
      }
    throw error;
  }
}

export const start = (request: StartRequest): Promise<StartReply | ActorFailure> =>
  answered(async () => {
    const { config } = request;
    const engine = await startEngine(config.engine.name, config.engine);
    const model = new StfMamba(config, keyedGenerator(config.seed, 'weights').uniform);
    const { stepsPerEpoch, totalSteps, warmupFrom } = request;
    const schedule = { stepsPerEpoch, totalSteps, warmupFrom };
    const trainer = new Trainer(model, config, schedule, { say: (note) => notes.push(note) });
    if (request.resume) await goOn(trainer, request.resume);
    else await firstWeights(model, request, (note) => notes.push(note));
    const peak = trainer.stepMode === 'recorded' ? measureMatrixPeak(trainer.precision.dtype) : undefined;
    const utilisation = new Utilisation(trainer, peak);
    const computation = computationOf({ trainer, engine });
    session = { model, trainer, steps: new SplitSteps(trainer, request.parts), utilisation, engine, computation };
    return { engine, computation, parameters: model.countParameters(), notes: notes.splice(0) };
  });

/** Everything as the checkpoint holds it. @throws CheckpointError naming the file */
async function goOn(trainer: Trainer, file: string): Promise<void> {
  const { tensors } = await readCheckpoint(file);
  try {
    trainer.importState(tensors);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${file}: ${error.message}`, { cause: error });
  }
}

/** Replaces random weights by those of an earlier phase, or its backbone's by pretrained ones. */
async function firstWeights(
  model: StfMamba,
  { config, transfer, aliases }: StartRequest,
  say: (note: string) => void,
): Promise<void> {
  const file = await pretrainedFile(config, { say });
  if (file) {
    const { loaded, missing, source } = await loadBackbone(model, file);
    const random = missing.length > 0 ? `, ${missing.length} left random` : '';
    say(`backbone: ${loaded.length} tensors of ${source}${random}, from ${file}`);
  }
  // Over the pretrained weights: an earlier phase may have trained another trunk and bring none of this one.
  if (!transfer) return;
  const report = await transferWeights(model, transfer, aliases ? phaseBAliases : {});
  for (const line of describeTransfer(report)) say(line);
}

export const micro = (request: MicroRequest): Promise<MicroReply | ActorFailure> =>
  answered(() => {
    const begun = performance.now();
    const { labels, step, micro, seed, next } = request;
    const session = running();
    const { trainer, steps, utilisation } = session;
    const key = microKey(request);
    const clips = request.clips ?? (session.next?.key === key ? session.next.clips : undefined);
    if (!clips) throw new Error(`train actor: no clips came for micro-batch ${key}`);
    session.next = next;
    const masks = () => keyedGenerator(seed, 'masks', step, micro).uniform;
    const result = steps.take({ clips, labels, masks, key }, next);
    const ms = performance.now() - begun;
    utilisation.add(ms);
    return { result, parts: steps.parts, staging: trainer.staging && steps.parts === 1, ms, ...news() };
  });

export const apply = ({ step }: { step: number }): Promise<ApplyReply | ActorFailure> =>
  answered(() => {
    const begun = performance.now();
    const { trainer, steps, utilisation } = running();
    const applied = trainer.apply(step - 1);
    steps.end();
    const ms = performance.now() - begun;
    utilisation.add(ms);
    return { ...applied, utilisation: utilisation.take(), ms, ...news() };
  });

export const score = ({ clips, count }: ScoreRequest): Promise<ScoreReply | ActorFailure> =>
  answered(() => {
    const { trainer, steps } = running();
    const bytes = clips.length / count;
    const probability = new Float32Array(count);
    const hllRatio = new Float32Array(count);
    trainer.withAverage(() => {
      // What is too much at once for a training step is scored in parts to begin with.
      clipsAtOnce.each(count, Math.ceil(count / steps.parts), (from, to) => {
        const part = trainer.predict(clips.subarray(from * bytes, to * bytes), to - from);
        probability.set(part.probability, from);
        hllRatio.set(part.hllRatio, from);
      });
    });
    return { probability, hllRatio, ...news() };
  });

export const save = (request: SaveRequest): Promise<{ saved: string[] } | ActorFailure> =>
  answered(async () => {
    const { trainer } = running();
    const tensors = trainer.exportState();
    // Where each tensor lies in the flat moments, for whoever reads the file with another program.
    const state = { ...request.state, momentIndex: trainer.momentIndex() };
    await saveCheckpoint({ ...request, state }, tensors);
    return { saved: request.names };
  });
