/**
 * Judges videos with a trained detector, from code.
 *
 *   node examples/judgeVideo.js runs/<run>/checkpoints/best.safetensors talk.mp4 more/
 *
 * Prints a line for each video: its verdict, the probability of its most suspicious face, and where to look first.
 * Needs the face models (`npm run setup -- --faces`).
 */
import { detect, UserError } from 'stf-mamba/detect';

const [checkpoint, ...videos] = process.argv.slice(2);
if (!checkpoint || videos.length === 0) {
  console.error('usage: node examples/judgeVideo.js CHECKPOINT.safetensors VIDEO...');
  process.exit(2);
}

try {
  await detect(videos, {
    checkpoint,
    clips: 4,
    onVerdict({ file, status, verdict, reason, faces }) {
      if (status !== 'judged') return console.log(`${file}: ${status}: ${reason}`);
      const clips = faces.flatMap((face) => face.clips).sort((a, b) => b.probability - a.probability);
      const [worst] = clips;
      console.log(`${file}: ${verdict}; ${worst.probability.toFixed(2)} at ${worst.from.toFixed(1)} s`);
    },
  });
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exit(2);
}
