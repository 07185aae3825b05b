/**
 * Scores one clip of face crops with a trained detector, by the model room alone.
 *
 *   node examples/scoreClip.js runs/<run>/checkpoints/best.safetensors frames/*.png
 *
 * The pictures are consecutive face crops, as many as the detector's `num_frames`, in order of their names.
 * Prints {"probability": …, "hllEnergy": …, "hllRatio": …}; probability is that of being fake.
 */
import sharp from 'sharp';
import { CheckpointError, ConfigError, loadDetector } from 'stf-mamba/model';

const [checkpoint, ...pictures] = process.argv.slice(2);
if (!checkpoint) {
  console.error('usage: node examples/scoreClip.js CHECKPOINT.safetensors PICTURE...');
  process.exit(2);
}

try {
  const detector = await loadDetector({ checkpoint });
  const { num_frames: frames, img_size: size } = detector.config;
  if (pictures.length !== frames) {
    throw new CheckpointError(
      `expected ${frames} pictures, the length of this detector's clips, received ${pictures.length}`,
    );
  }
  // One picture after the other, uint8 RGB: [T,H,W,3].
  const clip = new Uint8Array(frames * size * size * 3);
  for (const [i, picture] of pictures.sort().entries()) {
    const image = sharp(picture)
      .resize(size, size, { fit: 'fill', kernel: 'linear' })
      .removeAlpha()
      .toColourspace('srgb');
    clip.set(await image.raw().toBuffer(), i * size * size * 3);
  }
  console.log(JSON.stringify(detector.score(clip)));
  detector.dispose();
} catch (error) {
  if (!(error instanceof CheckpointError || error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exit(2);
}
