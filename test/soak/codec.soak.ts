import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Recipe, SynthesisPool } from '../../workers/index.js';
import { installedCodec } from '../workers/codec/installedCodecs.js';
import { syntheticClip, writeClip } from '../workers/syntheticClip.js';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 6);
const SEED = Number(process.env.SOAK_SEED ?? 1);
const PAIRS = Number(process.env.SOAK_PAIRS ?? 2000);
const CHILD_SECONDS = 60;

const nodeAv = await installedCodec('node-av');
const ffmpeg = await installedCodec('ffmpeg');

type Ended = { code: number | null; signal: string | null; stdout: string; stderr: string };

function child(script: string, seconds: number, args: string[]): Promise<Ended> {
  const fuzz = spawn(process.execPath, [join(import.meta.dirname, script), ...args]);
  let [stdout, stderr] = ['', ''];
  fuzz.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  fuzz.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const watchdog = setTimeout(() => fuzz.kill('SIGKILL'), (seconds + 60) * 1000);
  return new Promise((resolve) => {
    fuzz.on('close', (code, signal) => {
      clearTimeout(watchdog);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Runs a script in processes of a minute each until the time is up; each has to end well. */
async function children(script: string, minutes: number, argsFor: (seed: number, seconds: number) => string[]) {
  const end = performance.now() + minutes * 60_000;
  for (let seed = SEED; performance.now() < end; seed++) {
    const seconds = Math.ceil(Math.min(CHILD_SECONDS, Math.max(5, (end - performance.now()) / 1000)));
    const ended = await child(script, seconds, argsFor(seed, seconds));
    process.stdout.write(`seed ${seed}: ${ended.stdout || '(nothing)\n'}`);
    expect({ ...ended, stdout: '' }, `seed ${seed}`).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  }
}

it.skipIf(!nodeAv.codec)(
  `node-av survives odd sizes, every quantiser and damaged streams: ${nodeAv.title}`,
  async () => {
    const compares = ffmpeg.codec && process.env.SOAK_COMPARE !== '0' ? ['compare'] : [];
    await children('codecFuzz.mjs', MINUTES, (seed, seconds) => [String(seed), String(seconds), ...compares]);
  },
);

it(`threads can be ended at any moment: ${nodeAv.title}`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codec-soak-'));
  try {
    const { crops, landmarks } = await writeClip(folder, syntheticClip({ id: 'clip', frames: 8, size: 96 }));
    const codec = nodeAv.codec ? 'node-av' : 'jpeg';
    await children('endedThreads.mjs', MINUTES / 2, (seed, seconds) => [
      ...[String(seed), String(seconds)],
      ...[crops, landmarks, codec],
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it.skipIf(!nodeAv.codec)(`a thread's memory stays flat over ${PAIRS} compressed pairs: ${nodeAv.title}`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codec-soak-'));
  const pool = new SynthesisPool({ threads: 1 });
  try {
    const source = await writeClip(folder, syntheticClip({ id: 'clip', frames: 32, size: 224 }));
    const recipe: Recipe = {
      stages: [
        { stage: 'select_frames', params: { num_segments: 4, frames_per_segment: 8 } },
        { stage: 'margin_crop', params: {} },
        { stage: 'mask', params: {} },
        { stage: 'blend', params: {} },
        { stage: 'h264', params: { prob: 1, qp: [23, 40], codec: 'node-av' } },
        { stage: 'final_crop', params: {} },
      ],
    };
    const megabytes: number[] = [];
    let h264Ms = 0;
    for (let position = 0; position < PAIRS; position++) {
      const { stageMs } = await pool.run({ source, key: { seed: SEED, epoch: 0, position }, recipe });
      h264Ms += stageMs.h264!;
      if ((position + 1) % Math.ceil(PAIRS / 10) === 0) megabytes.push(Math.round(process.memoryUsage.rss() / 1e6));
    }
    process.stdout.write(
      `RSS of the process in MB over ${PAIRS} pairs: ${megabytes.join(' ')}; h264 ${(h264Ms / PAIRS).toFixed(1)} ms a pair\n`,
    );
    // Warm after a fifth; from there on the same, but for what the garbage collector has not yet looked at.
    expect(megabytes.at(-1)! - megabytes[1]!).toBeLessThan(60);
  } finally {
    await pool.destroy();
    await rm(folder, { recursive: true });
  }
});
