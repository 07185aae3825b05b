/**
 * The model room: STF-Mamba on TensorFlow.js, its configuration, training, checkpoints, measures and engine.
 * Knows nothing of streams, pools or files of clips.
 */
export { writeAtomically } from './checkpoint/atomicFile.js';
export { CheckpointError } from './checkpoint/checkpointError.js';
export { readCheckpoint, writeCheckpoint } from './checkpoint/checkpointFile.js';
export {
  type ConfigDifference,
  checkSameNetwork,
  configDifferences,
  savedConfig,
} from './checkpoint/configDifferences.js';
export type { HostTensor } from './checkpoint/hostTensor.js';
export { type BackboneReport, loadBackbone } from './checkpoint/loadBackbone.js';
export { describeLoad, type LoadReport, loadWeights, type WeightAliases } from './checkpoint/loadWeights.js';
export { pretrainedFile } from './checkpoint/pretrainedFile.js';
export { decodeSafetensors, encodeSafetensors } from './checkpoint/safetensors.js';
export {
  describeTransfer,
  phaseBAliases,
  type TransferReport,
  transferWeights,
} from './checkpoint/transferWeights.js';
export * from './config/stfConfig.js';
export { type Detector, type DetectorOptions, loadDetector, type Score } from './detector.js';
export { setEngineEnvironment } from './engine/engineEnvironment.js';
export { EngineError } from './engine/engineError.js';
export { measureMatrixPeak } from './engine/matrixPeak.js';
export type { Precision } from './engine/precision.js';
export { type EngineInfo, startEngine } from './engine/startEngine.js';
export { type BootstrapOptions, bootstrapIntervals, type Interval } from './evaluation/bootstrap.js';
export { type DecisionAdvice, decisionAdvice, indecision } from './evaluation/decisionAdvice.js';
export { type Confusion, type Decisions, decisionsAt } from './evaluation/decisions.js';
export {
  type Evaluated,
  type EvaluatedVideo,
  type EvaluationOptions,
  evaluateVideos,
  type HllStatistics,
  methodOf,
  UNNAMED_METHOD,
} from './evaluation/evaluateVideos.js';
export { type Figure, MEASURE_NAMES, type MeasureName, type Measures, measure } from './evaluation/measures.js';
export type { PairedRanking } from './evaluation/pairedRanking.js';
export { type Prediction, predict } from './evaluation/predict.js';
export { rankScores } from './evaluation/rankedScores.js';
export { averagePrecision, equalErrorRate, type RocCorner, rocAuc, rocCorners } from './evaluation/ranking.js';
export type { CueFigures, CueName, VideoProperties } from './evaluation/simpleCues.js';
export type { Spread } from './evaluation/spread.js';
export {
  type Calibration,
  calibrated,
  calibrationOf,
  fitTemperature,
  logitOf,
  TEMPERATURE_BOUNDS,
  tellsApart,
} from './evaluation/temperature.js';
export type { UniformSource } from './layers/initializers.js';
export { lossParts } from './losses/lossParts.js';
export { learningRateAt } from './optimiser/learningRate.js';
export { StfMamba } from './stfMamba.js';
export {
  type MicroResult,
  type NextClips,
  Trainer,
  type TrainerOptions,
  type TrainerSchedule,
} from './training/trainer.js';
export { drawTrainingMasks } from './trainingMasks.js';
