import sharp from 'sharp';
import type { JudgedClip } from './faceVerdict.js';
import type { JudgedPixels } from './judgeVideos.js';
import type { VideoVerdict } from './videoVerdict.js';

/** A few frames of a clip, side by side. */
export type ClipStrip = {
  face: number;
  clip: JudgedClip;
  frames: number;
  width: number;
  height: number;
  jpeg: Uint8Array;
};

/** Clips of a face that are shown, and frames of each. */
const MOST_CLIPS = 3;
const MOST_FRAMES = 8;
/** What a face looks like has to be seen, not measured. */
const QUALITY = 88;
/** Small networks look at small pictures, which are shown larger. */
const LEAST_SIDE = 96;

/** The most suspicious clips of each face, worst first, as the network saw them. */
export async function clipStrips({ faces }: VideoVerdict, pixels: JudgedPixels | null): Promise<ClipStrip[]> {
  if (!pixels) return [];
  const strips: ClipStrip[] = [];
  let before = 0;
  for (const { face, clips } of faces) {
    const worst = clips
      .map((clip, at) => ({ clip, at: before + at }))
      .sort((a, b) => b.clip.probability - a.clip.probability)
      .slice(0, MOST_CLIPS);
    for (const { clip, at } of worst) strips.push({ face, clip, ...(await drawStrip(pixels, at)) });
    before += clips.length;
  }
  return strips;
}

async function drawStrip({ bytes, shape }: JudgedPixels, clip: number) {
  const [length, height, width] = shape;
  const frameBytes = height * width * 3;
  const frames = Math.min(length, MOST_FRAMES);
  const strip = new Uint8Array(frames * frameBytes);
  for (let i = 0; i < frames; i++) {
    const frame = clip * length + Math.floor(((i + 0.5) * length) / frames);
    for (let row = 0; row < height; row++) {
      const from = frame * frameBytes + row * width * 3;
      strip.set(bytes.subarray(from, from + width * 3), (row * frames + i) * width * 3);
    }
  }
  const larger = Math.max(1, Math.ceil(LEAST_SIDE / height));
  const jpeg = await sharp(strip, { raw: { width: frames * width, height, channels: 3 } })
    .resize({ width: frames * width * larger, kernel: 'nearest' })
    .jpeg({ quality: QUALITY, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return { frames, width: frames * width * larger, height: height * larger, jpeg };
}
