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
export { type EngineInfo, startEngine } from './engine/startEngine.js';
export { type Decisions, decisionsAt } from './evaluation/decisions.js';
export { type Prediction, predict } from './evaluation/predict.js';
export { averagePrecision, equalErrorRate, rocAuc } from './evaluation/ranking.js';
export type { UniformSource } from './layers/initializers.js';
export { lossParts } from './losses/lossParts.js';
export { learningRateAt } from './optimiser/learningRate.js';
export { StfMamba } from './stfMamba.js';
export { type MicroResult, Trainer, type TrainerOptions, type TrainerSchedule } from './training/trainer.js';
export { drawTrainingMasks } from './trainingMasks.js';
