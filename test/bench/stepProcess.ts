import { StfMamba, setEngineEnvironment, startEngine, Trainer } from '../../model/index.js';
import { keyedGenerator } from '../../workers/index.js';
import { configOf, type StepCase } from './stepCases.js';
import { median, rounded } from './textTable.js';

/** What a process is asked to measure; its answer goes to the output as JSON. */
export type StepTask = StepCase & {
  mode: 'recorded' | 'eager';
  dtype: 'float32' | 'bfloat16';
  kernels: 'on' | 'off';
  checkpoint: boolean;
  steps: number;
  /** Also says which nodes took the time. */
  profile?: boolean;
};

export type StepFigures = {
  ms: number;
  minMs: number;
  firstMs: number;
  peakMiB: number;
  nodes: number;
  /** What was in force. */
  mode: string;
  dtype: string;
  operations: string;
};

const WARM_UP = 2;

setEngineEnvironment();
const task = JSON.parse(process.argv[2]!) as StepTask;
const base = configOf(task);
const config = {
  ...base,
  amp_dtype: task.dtype,
  grad_checkpoint: task.checkpoint,
  engine: { ...base.engine, step: task.mode, kernels: task.kernels },
};
const { operations } = await startEngine('tensorflow', { kernels: task.kernels });
const model = new StfMamba(config, keyedGenerator(1, 'weights').uniform);
const trainer = new Trainer(model, config, { stepsPerEpoch: 10, totalSteps: 100 });
const noise = keyedGenerator(2, 'clips');
const clips = new Uint8Array(task.batch * task.frames * task.img ** 2 * 3).map(() => noise.integer(0, 255));
const labels = Int32Array.from({ length: task.batch }, (_, i) => i % 2);
const times: number[] = [];
for (let step = 0; step < WARM_UP + task.steps; step++) {
  const begun = performance.now();
  trainer.accumulate({ clips, labels }, keyedGenerator(3, 'masks', step).uniform);
  trainer.apply(step);
  times.push(performance.now() - begun);
}
const kept = times.slice(WARM_UP);
const figures: StepFigures = {
  ms: rounded(median(kept), 1),
  minMs: rounded(Math.min(...kept), 1),
  firstMs: rounded(times[0]!, 0),
  peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  nodes: trainer.recordedNodes,
  mode: trainer.stepMode,
  dtype: trainer.precision.dtype,
  operations,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

if (task.profile) {
  const nodes = trainer.profile({ clips, labels }, keyedGenerator(3, 'masks', 0).uniform) ?? [];
  const sums = new Map<string, { ms: number; count: number }>();
  for (const { label, microseconds } of nodes) {
    const type = /= (\w+)\(/.exec(label)?.[1] ?? label;
    const sum = sums.get(type) ?? { ms: 0, count: 0 };
    sums.set(type, { ms: sum.ms + microseconds / 1000, count: sum.count + 1 });
  }
  const rows = [...sums].sort(([, a], [, b]) => b.ms - a.ms).slice(0, 30);
  for (const [type, { ms, count }] of rows) process.stdout.write(`${ms.toFixed(1).padStart(9)} ms ${count} ${type}\n`);
  const longest = [...nodes].sort((a, b) => b.microseconds - a.microseconds).slice(0, 25);
  for (const { name, microseconds } of longest)
    process.stdout.write(`${(microseconds / 1000).toFixed(1).padStart(9)} ms ${name}\n`);
}
