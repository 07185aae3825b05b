/*
 * Peak memory of training steps with and without gradient checkpointing, by hand on Linux, compiled first:
 * `node test/bench/trainingMemory.mjs [presets: a,b,debug] [pairs a micro-batch: 1,2,4] [checkpointing: false,true]`.
 *
 * Each case runs in a process of its own, because the peak of a process (VmHWM) never falls again.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MiB = 2 ** 20;
const steps = 2;

/** Two optimiser steps of one micro-batch each; the first also makes tables and moments. */
async function runCase({ preset, pairs, gradCheckpoint }) {
  const { phaseA, phaseB, debug, startEngine, StfMamba, Trainer } = await import('../../dist/model/index.js');
  const config = { ...{ a: phaseA, b: phaseB, debug }[preset](), grad_checkpoint: gradCheckpoint };
  const engine = await startEngine('tensorflow');
  let state = 1;
  const uniform = () => {
    state = (state * 48271) % 2147483647; // Lehmer's generator with Park and Miller's later factor
    return state / 2147483647;
  };
  const model = new StfMamba(config, uniform);
  const trainer = new Trainer(model, config, { stepsPerEpoch: 10, totalSteps: 100 });
  const bytes = 2 * pairs * config.num_frames * config.img_size ** 2 * 3;
  const clips = Uint8Array.from({ length: bytes }, () => 256 * uniform());
  const labels = Int32Array.from({ length: 2 * pairs }, (_, i) => i % 2);
  const before = process.memoryUsage.rss();
  const seconds = [];
  let result;
  for (let step = 0; step < steps; step++) {
    const begun = performance.now();
    result = trainer.accumulate({ clips, labels }, uniform);
    result = { ...result, ...trainer.apply(step) };
    seconds.push((performance.now() - begun) / 1000);
  }
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
  return {
    engine: `${engine.name} ${engine.version}`,
    peakMiB: Math.round(peak / MiB),
    aboveMiB: Math.round((peak - before) / MiB),
    seconds: Math.min(...seconds).toFixed(2),
    loss: result.total.toFixed(6),
    gradNorm: result.gradNorm.toFixed(5),
  };
}

if (process.argv[2] === 'case') {
  console.log(JSON.stringify(await runCase(JSON.parse(process.argv[3]))));
} else {
  const [presets = 'a', counts = '1,2,4', modes = 'false,true'] = process.argv.slice(2);
  console.log('| preset | pairs | checkpointing | peak MiB | of it the steps | s/step | loss after | gradient norm |');
  console.log('|---|---|---|---|---|---|---|---|');
  for (const preset of presets.split(',')) {
    for (const pairs of counts.split(',').map(Number)) {
      for (const gradCheckpoint of modes.split(',').map((mode) => mode === 'true')) {
        const task = JSON.stringify({ preset, pairs, gradCheckpoint });
        const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' };
        const { stdout, stderr, status, signal } = spawnSync(
          process.execPath,
          [fileURLToPath(import.meta.url), 'case', task],
          { env, encoding: 'utf8' },
        );
        if (status !== 0) {
          console.log(
            `| ${preset} | ${pairs} | ${gradCheckpoint} | failed: ${signal ?? stderr.trim().split('\n').at(-1)} |`,
          );
          continue;
        }
        const { peakMiB, aboveMiB, seconds, loss, gradNorm } = JSON.parse(stdout.trim().split('\n').at(-1));
        const mode = gradCheckpoint ? 'on' : 'off';
        console.log(
          `| ${preset} | ${pairs} | ${mode} | ${peakMiB} | ${aboveMiB} | ${seconds} | ${loss} | ${gradNorm} |`,
        );
      }
    }
  }
}
