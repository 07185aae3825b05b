/**
 * node reportEngine.mjs main|worker ENGINE [THREADS], in the folder of a compiled checkout: starts an engine there, in the
 * main thread or in a worker, has it compute, and prints what it found as one line of JSON.
 */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';

const [where, requested, threads] = process.argv.slice(2);
const engineFile = (name) => pathToFileURL(join(process.cwd(), 'dist/model/engine', name)).href;

if (isMainThread && threads !== undefined) {
  const { setEngineEnvironment } = await import(engineFile('engineEnvironment.js'));
  setEngineEnvironment(Number(threads));
}
if (isMainThread && where === 'worker') {
  new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
} else {
  const { startEngine } = await import(engineFile('startEngine.js'));
  const tf = createRequire(engineFile('startEngine.js'))('@tensorflow/tfjs');
  const info = await startEngine(requested).catch((error) => ({ error: `${error.name}: ${error.message}` }));
  const sum = info.error ? 0 : tf.sum(tf.matMul(tf.ones([3, 4]), tf.fill([4, 5], 0.5))).dataSync()[0];
  const tasks = process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
  process.stdout.write(`${JSON.stringify({ ...info, isMainThread, backend: tf.getBackend(), sum, tasks })}\n`);
}
