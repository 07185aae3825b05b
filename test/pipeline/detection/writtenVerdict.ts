import { type ClipStrip, clipStrips } from '../../../pipeline/detection/clipStrips.js';
import { judgeFace } from '../../../pipeline/detection/faceVerdict.js';
import type { VideoVerdict } from '../../../pipeline/detection/videoVerdict.js';
import { keyedGenerator } from '../../../workers/index.js';

const SIZE = 64;
const FRAMES = 4;

/** A verdict on a video of two faces, the second seen for one clip, with pictures: face 1 has four clips. */
export async function writtenVerdict(name: string): Promise<{ result: VideoVerdict; strips: ClipStrip[] }> {
  const calibration = { temperature: 1.4, pairs: 64, nll: 0.4, nllUncalibrated: 0.5, auc: 0.9, step: 7 };
  const random = keyedGenerator('written verdict');
  const bootstrap = { resamples: 200, level: 0.95, seed: 0, unit: 'clip' as const };
  const options = { calibration, threshold: 0.5, uniform: random.uniform, ...bootstrap };
  const face = (number: number, scores: readonly number[]) =>
    judgeFace(
      { face: number, facePx: 210, certainty: 0.9 },
      scores.map((score, i) => ({
        score,
        segments: [0, 1].map((part) => {
          const from = 10 * i + 4 * part;
          return { frame: 25 * from, from, to: from + 0.08 };
        }),
      })),
      options,
    );
  const faces = [face(1, [0.7, 0.95, 0.9, 0.8]), face(2, [0.2])];
  const clips = faces.flatMap((one) => one.clips).length;
  const bytes = Uint8Array.from({ length: clips * FRAMES * SIZE * SIZE * 3 }, () => random.integer(0, 255));
  const result: VideoVerdict = {
    ...{ format: 'stf-mamba-verdict', version: 1, file: `/videos/${name}`, status: 'judged' },
    ...{ verdict: 'likely manipulated', faces, passed: [{ reason: 'no face', times: 2 }] },
    video: { frames: 1000, rate: 25, seconds: 40, width: 640, height: 360, turn: 0 },
    judge: {
      checkpoint: { file: `/runs/${name}`, sha256: 'ab'.repeat(32), phase: 'a', step: 9, calibration },
      engine: { name: 'wasm', version: '4', device: 'cpu', reason: '', operations: 'on' },
      clips: { wanted: 4, segments: 2, framesPerSegment: 2, imgSize: SIZE },
      ...{ cropSize: 256, threshold: 0.5, bootstrap },
    },
  };
  return { result, strips: await clipStrips(result, { bytes, shape: [FRAMES, SIZE, SIZE, 3] }) };
}
