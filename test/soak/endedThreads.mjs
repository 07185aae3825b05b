// Runs as a process of its own, because what it looks for would end it:
//   node endedThreads.mjs SEED SECONDS CROPS LANDMARKS CODEC
// Starts pools and destroys them at any moment of their threads' lives; ends by process.exit with threads at work.
import { keyedGenerator, SynthesisPool } from '../../dist/workers/index.js';

const [seed, seconds, crops, landmarks, codec] = process.argv.slice(2);
const random = keyedGenerator('ended threads', seed);
const recipe = {
  stages: [
    { stage: 'mask', params: {} },
    { stage: 'blend', params: {} },
    { stage: 'jpeg', params: { prob: 1 } },
    { stage: 'h264', params: { prob: 0.7, codec } },
  ],
};
let ended = 0;
let pairs = 0;
const start = () => {
  const pool = new SynthesisPool({ threads: 2 });
  const tasks = Array.from({ length: 6 }, (_, position) =>
    pool.run({ source: { id: 'clip', crops, landmarks }, key: { seed: 1, epoch: ended, position }, recipe }).then(
      () => pairs++,
      () => {},
    ),
  );
  return { pool, tasks };
};
const end = performance.now() + Number(seconds) * 1000;
while (performance.now() < end) {
  const { pool, tasks } = start();
  if (random.chance(0.7)) await Promise.race([Promise.any(tasks), new Promise((resolve) => setTimeout(resolve, 3000))]);
  await new Promise((resolve) => setTimeout(resolve, random.integer(0, 400)));
  await pool.destroy();
  ended += 2;
}
const { tasks } = start();
await Promise.any(tasks);
process.stdout.write(`${JSON.stringify({ threadsEnded: ended, pairs })}\n`, () => process.exit(0));
