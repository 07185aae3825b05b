import type { Calibration, EngineInfo } from '../../model/index.js';
import type { VideoClips } from '../../workers/index.js';
import type { FaceVerdict, Verdict } from './faceVerdict.js';

/** What judged, and how. */
export type Judge = {
  checkpoint: {
    file: string;
    sha256: string;
    phase?: string;
    step?: number;
    /** Null: scores are given as the network gives them. */
    calibration: Calibration | null;
  };
  engine: EngineInfo;
  /** Frame layout of a clip, and how many of them were wanted of each face. */
  clips: { wanted: number; segments: number; framesPerSegment: number; imgSize: number };
  /** Side of the crops that clips are cut from, pixels. */
  cropSize: number;
  threshold: number;
  bootstrap: { resamples: number; level: number; seed: number; unit: 'clip' };
};

/** All that verdict.json and verdict.html tell of a video. */
export type VideoVerdict = {
  format: 'stf-mamba-verdict';
  version: 1;
  file: string;
  /** `no face`: it was looked through and nobody is to be seen for long enough; `failed`: it could not be judged. */
  status: 'judged' | 'no face' | 'failed';
  /** Of the most suspicious face; null unless judged. */
  verdict: Verdict | null;
  /** Why there is none. */
  reason?: string;
  faces: FaceVerdict[];
  video: VideoClips['video'] | null;
  /** Why places in the video gave no frames to judge, and how often. */
  passed: { reason: string; times: number }[];
  judge: Judge;
};
