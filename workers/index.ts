/** CPU actors that make self-blended video clips: bytes in, bytes out. */

export {
  type ChooseCodecOptions,
  type CodecChoice,
  type CodecRequest,
  chooseCodec,
} from './codec/chooseCodec.js';
export type { Codec, CodecIdentity, CodecJob, CodecName } from './codec/codec.js';
export { CodecError } from './codec/codecError.js';
export { CodecUnavailableError } from './codec/codecUnavailableError.js';
export { openCodec } from './codec/openCodec.js';
export { FaceModelError } from './faces/faceModelError.js';
export { readShapePredictor, type ShapePredictor } from './faces/shapePredictor.js';
export { readTinyFaceWeights, type TinyFaceWeights } from './faces/tinyFaceWeights.js';
export type { NpyArray, NpyData, NpyDtype } from './npz/npyArray.js';
export { NpzError } from './npz/npzError.js';
export { readClip, type StoredClip } from './npz/readClip.js';
export type { StoredLandmarks } from './npz/readLandmarks.js';
export { DEFAULT_NPZ_LIMITS, type NpzLimits, type ReadNpzOptions, readNpz } from './npz/readNpz.js';
export { compiledModule } from './pool/compiledModule.js';
export { cuttingPool } from './pool/cuttingPool.js';
export { preprocessPool } from './pool/preprocessPool.js';
export { type PoolTask, type PoolUsage, SynthesisPool, type SynthesisPoolOptions } from './pool/synthesisPool.js';
export type { ThreadLimits } from './pool/synthesisThread.js';
export type { Tuning } from './pool/threadTuner.js';
export { videoClipsPool } from './pool/videoClipsPool.js';
export { WorkerDiedError } from './pool/workerDiedError.js';
export {
  type FaceModels,
  FIND_FACES,
  PREPROCESS_DEFAULTS,
  type PreprocessedFace,
  type PreprocessedVideo,
  type PreprocessOptions,
  type PreprocessTask,
  preprocessVideo,
} from './preprocessing/preprocessVideo.js';
export { PREPROCESSING_STAGES, type StageTimes } from './preprocessing/stageClock.js';
export {
  type ClipSegment,
  type FaceClips,
  type VideoClips,
  type VideoClipsTask,
  videoClips,
} from './preprocessing/videoClips.js';
export { keyedGenerator, type Random } from './random/keyedGenerator.js';
export { type CutClips, type CuttingOptions, type CuttingTask, cutClips } from './synthesis/cutClips.js';
export type { Donor } from './synthesis/donor.js';
export { mapOtherSources } from './synthesis/otherSources.js';
export {
  type ClipPair,
  type ClipSource,
  type FrameMix,
  type Recipe,
  RecipeError,
  type SampleKey,
  type StageSpec,
  type SynthesisTask,
} from './synthesis/recipe.js';
export { type RecipeOptions, type SbiOptions, trainingRecipe, validationRecipe } from './synthesis/recipes.js';
export { SampleError } from './synthesis/sampleError.js';
export type { RegisteredStage } from './synthesis/stage.js';
export { STAGES } from './synthesis/stageRegistry.js';
export { synthesiseFrom, synthesisePair } from './synthesis/synthesisePair.js';
export type { SynthesisTrace, TracedFrame } from './synthesis/synthesisTrace.js';
export { type ClipInspection, type InspectionTask, inspectClip } from './verification/inspectClip.js';
export { InspectionPool } from './verification/inspectionPool.js';
export type { LandmarkSpace, LandmarkVerdict } from './verification/landmarkSpace.js';
