import { execFile } from 'node:child_process';
import { compiledModule } from '../pool/compiledModule.js';
import type { CodecIdentity, CodecName } from './codec.js';
import type { ProbeResult } from './codecProbe.js';
import { CodecUnavailableError } from './codecUnavailableError.js';

export type CodecRequest = 'auto' | CodecName;

export type CodecChoice = CodecIdentity & {
  name: CodecName;
  /** Of a fixed clip's round trip: two machines with the same one make the same pixels. Absent for JPEG. */
  digest?: string;
  /** Why this one, and what is wrong with those before it. */
  reason: string;
};

export type ChooseCodecOptions = {
  /** A probe that takes longer is killed, milliseconds. */
  timeoutMs?: number;
  /** Environment of the probes, FFMPEG_BIN and PATH in it; this process's where left out. */
  environment?: NodeJS.ProcessEnv;
};

/** Loading a large library from a slow disk may take seconds. */
const TIMEOUT_MS = 60_000;

/**
 * Decides how H.264 is made, by trying it: a small clip goes there and back in a process of its own, so that a native
 * library that crashes or hangs costs the probe and nothing else. `auto` prefers node-av to the ffmpeg program, and
 * takes JPEG only where neither works; a codec asked for by name is that one or an error.
 *
 * @throws CodecUnavailableError when the one asked for does not work here
 */
export async function chooseCodec(requested: CodecRequest, options: ChooseCodecOptions = {}): Promise<CodecChoice> {
  if (requested === 'jpeg') return jpegChoice('asked for by name');
  const failures: string[] = [];
  for (const name of requested === 'auto' ? (['node-av', 'ffmpeg'] as const) : [requested]) {
    const found = await probe(name, options);
    if (found.ok) {
      const { version, x264, digest, psnr } = found;
      const works = `a round trip at QP 30 kept ${psnr.toFixed(1)} dB`;
      const why = requested === 'auto' ? works : `asked for by name; ${works}`;
      return { name, version, ...(x264 !== undefined && { x264 }), digest, reason: [why, ...failures].join('; ') };
    }
    if (requested !== 'auto') throw new CodecUnavailableError(name, found.reason);
    failures.push(`${name}: ${found.reason}`);
  }
  return jpegChoice(`no H.264 encoder works here; ${failures.join('; ')}`);
}

const jpegChoice = (reason: string): CodecChoice => ({ name: 'jpeg', version: 'libjpeg-turbo', reason });

type Probed = ({ ok: true } & ProbeResult) | { ok: false; reason: string };

function probe(name: CodecName, { timeoutMs = TIMEOUT_MS, environment = process.env }: ChooseCodecOptions) {
  return new Promise<Probed>((resolve) => {
    const file = compiledModule('./codecProbeProcess.js', import.meta.url);
    execFile(
      process.execPath,
      [file, name],
      { env: environment, timeout: timeoutMs, killSignal: 'SIGKILL', windowsHide: true },
      (error, stdout, stderr) => {
        try {
          resolve(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Probed);
        } catch {
          resolve({ ok: false, reason: howItEnded(error, stderr, timeoutMs) });
        }
      },
    );
  });
}

function howItEnded(
  error: (Error & { killed?: boolean; signal?: string; code?: unknown }) | null,
  stderr: string,
  ms: number,
) {
  if (error?.killed) return `the probe gave no answer within ${ms / 1000} s`;
  if (error?.signal) return `the probe died of ${error.signal}`;
  const complaint = stderr.trim().split('\n').at(-1);
  return `the probe ended with code ${error?.code ?? 0}${complaint ? `: ${complaint}` : ''}`;
}
