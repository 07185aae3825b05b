/*
 * Run as a program: ends a thread while a recorded step runs in it, and says so.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { debug, StfMamba, setEngineEnvironment, startEngine, Trainer } from '../../../../dist/model/index.js';

if (isMainThread) {
  setEngineEnvironment();
  const worker = new Worker(new URL(import.meta.url));
  worker.on('message', async (mode) => {
    await worker.terminate();
    process.stdout.write(`ended, ${mode}\n`);
  });
} else {
  await startEngine();
  const config = debug();
  const model = new StfMamba(config, () => 0.4);
  const trainer = new Trainer(model, config, { stepsPerEpoch: 1, totalSteps: 1 });
  const clips = new Uint8Array(config.num_frames * config.img_size ** 2 * 3);
  trainer.predict(clips, 1);
  parentPort.postMessage(trainer.stepMode);
  for (;;) trainer.predict(clips, 1);
}
