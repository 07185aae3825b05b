import {
  type Calibration,
  CheckpointError,
  ConfigError,
  type Detector,
  EngineError,
  type EngineInfo,
  loadDetector,
  type Score,
  type StfConfig,
} from '../../model/index.js';
import { ClipsAtOnce } from '../run/clipsAtOnce.js';

/*
 * The score actor: holds the engine and a trained detector in a worker thread, so that scoring never blocks the flow,
 * the signal handlers or the progress line.
 */

export type LoadRequest = {
  checkpoint: string;
  config?: string;
  engine: 'auto' | 'tensorflow' | 'tensorflow-cuda' | 'wasm';
};
/** `phase`, `step`: of the run that wrote the checkpoint, where it says so. */
export type LoadReply = {
  config: StfConfig;
  engine: EngineInfo;
  phase?: string;
  step?: number;
  /** What validation says of the scores as probabilities; null where the checkpoint is silent. */
  calibration: Calibration | null;
};
/** `clips` uint8 `[count,T,H,W,3]`, moved. At most `batch` of them are in the network at once. */
export type ScoreClipsRequest = { clips: Uint8Array; count: number; batch: number };

/** Errors lose their class between threads; what the user must be told travels as a message. */
export type ScoreFailure = { failed: { message: string } };

let detector: Detector | undefined;
const clipsAtOnce = new ClipsAtOnce();

export async function load({ checkpoint, config, engine }: LoadRequest): Promise<LoadReply | ScoreFailure> {
  try {
    detector = await loadDetector({ checkpoint, engine, ...(config === undefined ? {} : { config }) });
  } catch (error) {
    if (error instanceof ConfigError || error instanceof CheckpointError || error instanceof EngineError)
      return { failed: { message: error.message } };
    throw error;
  }
  const { phase, step } = detector.state ?? {};
  return {
    config: detector.config,
    engine: detector.engine,
    calibration: detector.calibration,
    ...(typeof phase === 'string' ? { phase } : {}),
    ...(typeof step === 'number' ? { step } : {}),
  };
}

export function score({ clips, count, batch }: ScoreClipsRequest): Score[] {
  if (!detector) throw new Error('score actor: load must come first');
  const clipBytes = clips.length / count;
  const scores: Score[] = [];
  const { scoreBatch } = detector;
  clipsAtOnce.each(count, batch, (from, to) => {
    scores.push(...scoreBatch(clips.subarray(from * clipBytes, to * clipBytes), to - from));
  });
  return scores;
}
