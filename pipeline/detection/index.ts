/** A verdict on videos, with a trained detector. */
export { UserError } from '../userError.js';
export { type DetectOptions, detect } from './detect.js';
export type { FaceVerdict, JudgedClip, Verdict } from './faceVerdict.js';
export type { Judge, VideoVerdict } from './videoVerdict.js';
