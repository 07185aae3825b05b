import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { caseName, hasPeer, STEP_CASES, type StepCase } from './stepCases.js';
import type { StepFigures, StepTask } from './stepProcess.js';
import { median, rounded, textTable } from './textTable.js';

export type StepBenchOptions = {
  steps: number;
  repeats: number;
  /** Only cases whose name contains this. */
  only?: string;
  eager: boolean;
  kernels: 'on' | 'off';
  /** The peer by torch.compile, not operation by operation. */
  compile: boolean;
  profile: boolean;
  python?: string;
  peers?: string;
};

const DTYPES = ['float32', 'bfloat16'] as const;

type Row = {
  config: string;
  img: number;
  frames: number;
  batch: number;
  phase: string;
  dtype: string;
  operations: string;
  mode: string;
  ms: number;
  first_ms: number;
  peak_rss_mb: number;
  peer: string | null;
  peer_ms: number | null;
  peer_peak_rss_mb: number | null;
  /** Ours through the peer's, time. */
  ratio: number | null;
};

/**
 * Times whole training steps, forward to AdamW, each case in processes of its own; with `python` and `peers` the PyTorch
 * implementation in turn with ours. Returns what goes to the JSON file.
 */
export async function stepBench(options: StepBenchOptions): Promise<object> {
  if ((options.python === undefined) !== (options.peers === undefined))
    throw new Error('Expected both --python and --peers, or neither');
  const cases = STEP_CASES.filter((one) => caseName(one).includes(options.only ?? ''));
  if (cases.length === 0)
    throw new Error(`Expected part of ${STEP_CASES.map(caseName).join(', ')} for --only but received ${options.only}`);
  const rows: Row[] = [];
  for (const one of cases) {
    for (const dtype of DTYPES) rows.push(await measureCase(one, { ...options, mode: 'recorded', dtype }));
    if (options.eager) rows.push(await measureCase(one, { ...options, mode: 'eager', dtype: 'float32' }));
  }
  const header = ['config', 'phase', 'clip', 'dtype', 'mode', 'ms', 'peer ms', 'ratio', 'first ms', 'MiB', 'peer MiB'];
  const cells = rows.map((row) => [
    row.config,
    row.phase,
    `${row.img}² x ${row.frames}, ${row.batch}`,
    row.dtype,
    row.mode,
    ...[row.ms, row.peer_ms, row.ratio, row.first_ms, row.peak_rss_mb, row.peer_peak_rss_mb],
  ]);
  process.stdout.write(`${textTable(header, cells)}\n`);
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: availableParallelism() };
  return { step: rows, machine };
}

type Asked = StepBenchOptions & { mode: 'recorded' | 'eager'; dtype: 'float32' | 'bfloat16' };

async function measureCase(one: StepCase, asked: Asked): Promise<Row> {
  const ours: StepFigures[] = [];
  const theirs: PeerFigures[] = [];
  for (let round = 0; round < asked.repeats; round++) {
    ours.push(await runOurs(one, asked));
    if (asked.python && asked.peers && asked.mode === 'recorded' && hasPeer(one))
      theirs.push(await runPeer(one, asked));
  }
  const ms = median(ours.map((figures) => figures.ms));
  const peerMs = theirs.length > 0 ? median(theirs.map((figures) => figures.ms)) : null;
  process.stderr.write(
    `${caseName(one)} ${asked.dtype} ${asked.mode}: ${ms} ms${peerMs ? `, peer ${peerMs} ms` : ''}\n`,
  );
  return {
    ...one,
    dtype: ours[0]!.dtype,
    operations: ours[0]!.operations,
    mode: ours[0]!.mode,
    ms,
    first_ms: ours[0]!.firstMs,
    peak_rss_mb: Math.max(...ours.map((figures) => figures.peakMiB)),
    peer: theirs.length > 0 ? `PyTorch ${theirs[0]!.torch}${asked.compile ? ', compiled' : ''}` : null,
    peer_ms: peerMs,
    peer_peak_rss_mb: theirs.length > 0 ? Math.max(...theirs.map((figures) => figures.peak_rss_mib)) : null,
    ratio: peerMs === null ? null : rounded(ms / peerMs, 2),
  };
}

const run = promisify(execFile);

async function runOurs(one: StepCase, { mode, dtype, kernels, steps, profile }: Asked): Promise<StepFigures> {
  const task: StepTask = { ...one, mode, dtype, kernels, steps, profile, checkpoint: false };
  const script = fileURLToPath(new URL('./stepProcess.js', import.meta.url));
  const { stdout } = await run(process.execPath, [script, JSON.stringify(task)], { maxBuffer: 2 ** 24 });
  const [figures, ...rest] = stdout.trimEnd().split('\n');
  if (rest.length > 0) process.stdout.write(`${rest.join('\n')}\n`);
  return JSON.parse(figures!) as StepFigures;
}

type PeerFigures = { ms: number; peak_rss_mib: number; torch: string };

async function runPeer(one: StepCase, { dtype, steps, compile, python, peers }: Asked): Promise<PeerFigures> {
  const script = join(peers!, 'stf_mamba_torch.py');
  if (!existsSync(script)) throw new Error(`Expected stf_mamba_torch.py in --peers but ${script} does not exist`);
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...env } = process.env;
  const sizes = Object.entries({ phase: one.phase, config: one.config, img: one.img, frames: one.frames });
  const args = [...sizes, ['batch', one.batch], ['steps', steps]].flatMap(([key, value]) => [`--${key}`, `${value}`]);
  const switches = [...(dtype === 'bfloat16' ? ['--bf16'] : []), ...(compile ? ['--compile'] : [])];
  const { stdout } = await run(python!, [script, 'bench', ...args, ...switches], { env, maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split('\n')[0]!) as PeerFigures;
}
