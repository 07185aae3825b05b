import { availableParallelism, cpus } from 'node:os';
import { type ClipSource, chooseCodec, type Recipe, SynthesisPool, synthesisePair } from '../../workers/index.js';
import { PRESETS, type Preset, presetRecipe } from './augmentPresets.js';
import { benchClips } from './benchClips.js';
import { PEERS, type PeerName, type PeerRun, runPythonPeer } from './pythonPeer.js';
import { median, rounded, textTable } from './textTable.js';

export type AugmentBenchOptions = {
  data?: string;
  pairs: number;
  repeats: number;
  workers: number[];
  soak: number;
  python?: string;
  peers?: string;
};

type Measurement = { cpuSecondsPerPair: number; pairsPerSecond: number; stageMs: Record<string, number> };

/** Stages of ours beside the one of the peer that does the same work. */
const COUNTERPARTS: [peer: string, ours: string[]][] = [
  ['decode', ['read']],
  ['masks', ['select_frames', 'prepare_landmarks', 'mask']],
  ['colour', ['colour']],
  ['warp_drift', ['affine', 'elastic', 'drift']],
  ['tps', ['tps']],
  ['soften', ['soften']],
  ['blend', ['blend']],
  ['h264', ['h264']],
];

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

/** Measures our presets and, with `python` and `peers`, the Python peers in turn; returns what goes to the JSON file. */
export async function augmentBench(options: AugmentBenchOptions): Promise<object> {
  if ((options.python === undefined) !== (options.peers === undefined))
    throw new Error('Expected both --python and --peers, or neither');
  const codec = await chooseCodec('auto');
  const { folder, clips, remove } = await benchClips(options.data);
  try {
    print(
      `${clips.length} clips, ${options.pairs} pairs a measurement, codec ${codec.name}, Node ${process.version}, ` +
        `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown processor'}`,
    );
    const recipeOf = (preset: Preset): Recipe => presetRecipe(preset, codec.name);
    const ours: Record<Preset, Measurement[]> = { peer: [], full: [], published: [] };
    const theirs: Record<PeerName, PeerRun[]> = { 'opencv-pyav': [], 'opencv-ffmpeg': [] };
    for (const preset of PRESETS) await measure(clips, recipeOf(preset), Math.min(16, options.pairs)); // warm-up
    for (let round = 0; round < options.repeats; round++) {
      for (const preset of PRESETS) ours[preset].push(await measure(clips, recipeOf(preset), options.pairs));
      const { python, peers } = options;
      if (python === undefined || peers === undefined) continue;
      for (const name of Object.keys(PEERS) as PeerName[])
        theirs[name].push(await runPythonPeer(name, { python, peers, data: folder, pairs: options.pairs }));
    }
    const peerRows = Object.entries(theirs).filter(([, runs]) => runs.length > 0);
    const report = {
      preset: 'peer',
      ...summary(ours.peer),
      peers: peerRows.map(([name, runs]) => compare(name, runs, summary(ours.peer).cpu_s_per_pair)),
      full: summary(ours.full),
      published: summary(ours.published),
      stages: stageRows(ours, theirs['opencv-pyav']),
      workers: await measureWorkers(clips, recipeOf('full'), options),
      ...(options.soak > 0 && { soak: await soak(clips, recipeOf('full'), options.soak) }),
      machine: { node: process.version, cpu: cpus()[0]?.model, cores: availableParallelism(), codec: codec.name },
    };
    printReport(report);
    return report;
  } finally {
    await remove();
  }
}

const task = (clips: readonly ClipSource[], recipe: Recipe, position: number) => ({
  source: clips[position % clips.length]!,
  key: { seed: 1, epoch: 0, position },
  recipe,
});

/** Makes pairs on this thread, one after the other. */
async function measure(clips: readonly ClipSource[], recipe: Recipe, pairs: number): Promise<Measurement> {
  const stageMs: Record<string, number> = {};
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  await onCpuTime(async () => {
    for (let position = 0; position < pairs; position++)
      for (const [stage, ms] of Object.entries((await synthesisePair(task(clips, recipe, position))).stageMs))
        stageMs[stage] = (stageMs[stage] ?? 0) + ms / pairs;
  });
  const pairsPerSecond = (pairs / (performance.now() - began)) * 1000;
  return { cpuSecondsPerPair: cpuMsSince(cpuBefore) / 1000 / pairs, pairsPerSecond, stageMs };
}

/** Stages time themselves by `performance.now`; meanwhile that is the CPU time, which other work on the machine spares. */
async function onCpuTime(action: () => Promise<void>): Promise<void> {
  Object.defineProperty(performance, 'now', { configurable: true, value: () => cpuMsSince({ user: 0, system: 0 }) });
  try {
    await action();
  } finally {
    delete (performance as Partial<Performance>).now; // the prototype's own is back
  }
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function summary(runs: readonly Measurement[]): { cpu_s_per_pair: number; pairs_per_s: number } {
  return {
    cpu_s_per_pair: rounded(median(runs.map((run) => run.cpuSecondsPerPair)), 4),
    pairs_per_s: rounded(median(runs.map((run) => run.pairsPerSecond)), 2),
  };
}

function compare(name: string, runs: readonly PeerRun[], ourSeconds: number) {
  const seconds = median(runs.map((run) => run.cpuSecondsPerPair));
  // The peer also turns bytes into normalised floats, which our engine does later.
  const tensor = median(runs.map((run) => run.stageMs.tensor ?? 0)) / 1000;
  return {
    name,
    cpu_s_per_pair: rounded(seconds, 4),
    ratio: rounded(ourSeconds / seconds, 3),
    ratio_without_its_tensor_stage: rounded(ourSeconds / (seconds - tensor), 3),
  };
}

function stageRows(ours: Record<Preset, Measurement[]>, theirs: readonly PeerRun[]) {
  const of = (runs: readonly { stageMs: Record<string, number> }[], stage: string): number | null =>
    runs.some((run) => stage in run.stageMs) ? rounded(median(runs.map((run) => run.stageMs[stage] ?? 0)), 2) : null;
  const rows = COUNTERPARTS.flatMap(([peer, stages]) =>
    stages.map((stage, i) => ({
      stage,
      ms: of(ours.peer, stage),
      full_ms: of(ours.full, stage),
      peer_stage: i === 0 ? peer : null,
      peer_ms: i === 0 ? of(theirs, peer) : null,
    })),
  );
  const named = new Set(rows.map(({ stage }) => stage));
  const rest = Object.keys(ours.full[0]?.stageMs ?? {}).filter((stage) => !named.has(stage));
  return [
    ...rows,
    ...rest.map((stage) => ({ stage, ms: null, full_ms: of(ours.full, stage), peer_stage: null, peer_ms: null })),
  ];
}

/** Runs `pairs` pairs through a pool that is kept busy, calling `onPair` after each. */
async function flood(
  pool: SynthesisPool,
  clips: readonly ClipSource[],
  recipe: Recipe,
  pairs: number,
  onPair: (done: number) => void = () => {},
): Promise<void> {
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < pairs) {
      await pool.run(task(clips, recipe, next++));
      onPair(++done);
    }
  };
  await Promise.all(Array.from({ length: pool.threads + 1 }, lane));
}

/** The full chain in pools of several sizes, in turn. */
async function measureWorkers(clips: readonly ClipSource[], recipe: Recipe, options: AugmentBenchOptions) {
  const runs = new Map(
    options.workers.map((threads) => [threads, [] as (Omit<Measurement, 'stageMs'> & { rss: number })[]]),
  );
  for (let round = 0; round < options.repeats; round++)
    for (const [threads, measurements] of runs) {
      const rssBefore = process.memoryUsage.rss();
      const pool = new SynthesisPool({ threads });
      try {
        await flood(pool, clips, recipe, 8 * threads); // every thread compiles its code
        const cpuBefore = process.cpuUsage();
        const began = performance.now();
        const pairs = options.pairs * threads;
        await flood(pool, clips, recipe, pairs);
        measurements.push({
          pairsPerSecond: (pairs / (performance.now() - began)) * 1000,
          cpuSecondsPerPair: cpuMsSince(cpuBefore) / 1000 / pairs,
          rss: (process.memoryUsage.rss() - rssBefore) / threads,
        });
      } finally {
        await pool.destroy();
      }
    }
  return [...runs].map(([threads, measurements]) => ({
    workers: threads,
    pairs_per_s: rounded(median(measurements.map((m) => m.pairsPerSecond)), 2),
    cpu_s_per_pair: rounded(median(measurements.map((m) => m.cpuSecondsPerPair)), 4),
    mb_per_worker: Math.round(Math.max(...measurements.map((m) => m.rss)) / 2 ** 20),
  }));
}

/** Memory per worker over a long run of two workers, in tenths of the run. */
async function soak(clips: readonly ClipSource[], recipe: Recipe, pairs: number) {
  const threads = 2;
  const before = process.memoryUsage.rss();
  const pool = new SynthesisPool({ threads });
  const mbPerWorker: number[] = [];
  try {
    await flood(pool, clips, recipe, pairs, (done) => {
      if (done % Math.ceil(pairs / 10) !== 0 && done !== pairs) return;
      mbPerWorker.push(Math.round((process.memoryUsage.rss() - before) / threads / 2 ** 20));
      print(`soak: ${done} pairs, ${mbPerWorker.at(-1)} MiB per worker`);
    });
  } finally {
    await pool.destroy();
  }
  return { pairs, workers: threads, mb_per_worker: mbPerWorker };
}

type Report = {
  cpu_s_per_pair: number;
  pairs_per_s: number;
  peers: ReturnType<typeof compare>[];
  full: ReturnType<typeof summary>;
  published: ReturnType<typeof summary>;
  stages: ReturnType<typeof stageRows>;
  workers: Awaited<ReturnType<typeof measureWorkers>>;
};

function printReport({ cpu_s_per_pair, pairs_per_s, peers, full, published, stages, workers }: Report): void {
  print('\nCPU milliseconds per pair');
  print(
    textTable(
      ['stage', "peer's stages", 'full', 'opencv', 'ms'],
      stages.map(({ stage, ms, full_ms, peer_stage, peer_ms }) => [stage, ms, full_ms, peer_stage ?? '', peer_ms]),
    ),
  );
  print('\nOne thread');
  print(
    textTable(
      ['', 'CPU s per pair', 'pairs/s', 'ours / theirs', 'without its tensor stage'],
      [
        ["peer's stages", cpu_s_per_pair, pairs_per_s, null, null],
        ['full, all in every pair', full.cpu_s_per_pair, full.pairs_per_s, null, null],
        ['full, published probabilities', published.cpu_s_per_pair, published.pairs_per_s, null, null],
        ...peers.map((peer) => [peer.name, peer.cpu_s_per_pair, null, peer.ratio, peer.ratio_without_its_tensor_stage]),
      ],
    ),
  );
  print('\nFull chain in worker threads');
  print(
    textTable(
      ['workers', 'pairs/s', 'CPU s per pair', 'MiB per worker'],
      workers.map((row) => [row.workers, row.pairs_per_s, row.cpu_s_per_pair, row.mb_per_worker]),
    ),
  );
}
