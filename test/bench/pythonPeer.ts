import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type PeerRun = { cpuSecondsPerPair: number; stageMs: Record<string, number> };

/** The peer's codecs, by the name under which its figures are reported. */
export const PEERS = { 'opencv-pyav': 'pyav', 'opencv-ffmpeg': 'ffmpeg' } as const;
export type PeerName = keyof typeof PEERS;

/** Runs the Python peer's `augment.py` once over the clips of `data`, in its own process, without workers. */
export async function runPythonPeer(
  name: PeerName,
  options: { python: string; peers: string; data: string; pairs: number },
): Promise<PeerRun> {
  const script = join(options.peers, 'augment.py');
  if (!existsSync(script)) throw new Error(`Expected augment.py in --peers but ${script} does not exist`);
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...env } = process.env;
  const args = [script, '--codec', PEERS[name], '--pair', '--workers', '0', '--repeats', '1'];
  const run = promisify(execFile)(
    options.python,
    [...args, '--samples', String(options.pairs), '--data', options.data],
    {
      env,
      maxBuffer: 2 ** 24,
    },
  );
  const { stdout } = await run.catch((error: Error & { stderr?: string }) => {
    throw new Error(`${options.python} ${script} failed: ${error.stderr?.trim().split('\n').at(-1) ?? error.message}`);
  });
  const result = JSON.parse(stdout) as {
    workers: Record<string, { cpu_s_per_clip: { median: number } }>;
    stage_cpu_ms: Record<string, number>;
  };
  return { cpuSecondsPerPair: result.workers['0']!.cpu_s_per_clip.median, stageMs: result.stage_cpu_ms };
}
