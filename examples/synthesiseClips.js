// Self-blended clips without training: reads face crops, makes a real and a fake member of each in worker threads and
// writes one PNG per clip, frames side by side, the real member above the fake.
//
//     npm run build && node examples/synthesiseClips.js CROPS OUT
//
// CROPS holds <id>_crops.npz (array `crops`, uint8 [F, H, W, 3]) and <id>_landmarks.npz (`landmarks`, float32
// [F, 68 or 81, 2]; optionally `frames`, int [F]). A clip that cannot be used is named and skipped.

import { mkdir, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { SampleError, SynthesisPool, trainingRecipe } from 'stf-mamba/workers';

const [cropsFolder, outFolder] = process.argv.slice(2);
if (!cropsFolder || !outFolder) {
  console.error('usage: node examples/synthesiseClips.js CROPS OUT');
  process.exit(2);
}

const ids = (await readdir(cropsFolder))
  .filter((name) => name.endsWith('_crops.npz'))
  .map((name) => name.slice(0, -'_crops.npz'.length))
  .sort();
// One run of eight neighbouring frames, without recolouring or compression, so that only the blend is seen.
const recipe = trainingRecipe({
  img_size: 160,
  num_segments: 1,
  frames_per_segment: 8,
  sbi: { jpeg_prob: 0, post_rgb_shift_prob: 0, post_hsv_prob: 0, post_brightness_contrast_prob: 0 },
});

await mkdir(outFolder, { recursive: true });
const pool = new SynthesisPool({ threads: Math.min(availableParallelism(), Math.max(1, ids.length)) });
try {
  await Promise.all(
    ids.map(async (id, position) => {
      const source = {
        id,
        crops: join(cropsFolder, `${id}_crops.npz`),
        landmarks: join(cropsFolder, `${id}_landmarks.npz`),
      };
      try {
        const pair = await pool.run({ source, key: { seed: 1, epoch: 0, position }, recipe });
        await writeStrip(pair, join(outFolder, `${id}.png`));
        console.log(`${id}: ${Object.keys(pair.counters).join(', ')}`);
      } catch (error) {
        if (!(error instanceof SampleError)) throw error;
        console.error(`skipped ${error.message}`);
      }
    }),
  );
} finally {
  await pool.destroy();
}

/** Both members, one above the other, their frames from left to right. */
async function writeStrip({ bytes, shape: [frames, height, width] }, path) {
  const strip = Buffer.alloc(bytes.length);
  for (let row = 0; row < 2 * height; row++)
    for (let t = 0; t < frames; t++) {
      const member = row < height ? 0 : frames;
      const from = ((member + t) * height + (row % height)) * width * 3;
      strip.set(bytes.subarray(from, from + width * 3), (row * frames + t) * width * 3);
    }
  await sharp(strip, { raw: { width: frames * width, height: 2 * height, channels: 3 } })
    .png()
    .toFile(path);
}
