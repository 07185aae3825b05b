import { spawn } from 'node:child_process';
import { CodecError } from './codecError.js';

export type FfmpegRun = {
  /** Bytes for its standard input, read until the promise settles. */
  input: readonly Uint8Array[];
  /** More output than this is a failure. */
  maxOutput: number;
  /** A process that neither takes nor gives a byte for so long is killed. */
  idleMs: number;
};

const CHUNK = 1 << 18;
const MAX_COMPLAINT = 2000;

/**
 * Runs the ffmpeg program once, bytes in and bytes out.
 *
 * @throws CodecError when it cannot be started, ends with another code than 0, is killed, hangs or says too much
 */
export function runFfmpeg(
  program: string,
  args: readonly string[],
  { input, maxOutput, idleMs }: FfmpegRun,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // In a session of its own: what ends a terminal's programs, Ctrl-C or its closing, would make a good clip fail.
    const child = spawn(program, args, { stdio: 'pipe', windowsHide: true, detached: process.platform !== 'win32' });
    const output: Buffer[] = [];
    let outputBytes = 0;
    let complaint = '';
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(watchdog);
      child.kill('SIGKILL'); // a stopped process does not listen to anything less
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new CodecError('ffmpeg', reason, cause === undefined ? undefined : { cause }));
    };
    const watchdog = setTimeout(
      () => fail(`the process neither took nor gave a byte for ${idleMs / 1000} s and was killed`),
      idleMs,
    );

    child.on('error', (error) => fail(`cannot run ${program} (${error.message})`, error));
    child.on('close', (code, signal) => {
      clearTimeout(watchdog);
      if (code === 0) resolve(Buffer.concat(output, outputBytes));
      else {
        const end = signal ? `was ended by ${signal}` : `ended with code ${code}`;
        fail(`the process ${end}${complaint ? `: ${lastLine(complaint)}` : ''}`);
      }
    });
    child.stdout.on('data', (chunk: Buffer) => {
      watchdog.refresh();
      output.push(chunk);
      outputBytes += chunk.length;
      if (outputBytes > maxOutput) fail(`the process returned more than the ${maxOutput} bytes expected`);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-MAX_COMPLAINT);
    });

    // A process that ends early closes its input; its exit code tells why, and a missing frame is noticed by its count.
    child.stdin.on('error', () => {});
    const chunks = chunksOf(input);
    const writeNext = (): void => {
      const { value, done } = chunks.next();
      if (done) child.stdin.end();
      else
        child.stdin.write(value, (error) => {
          if (error) return;
          watchdog.refresh();
          writeNext();
        });
    };
    writeNext();
  });
}

/** In pieces, so that each one taken shows that the process lives. */
function* chunksOf(input: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const bytes of input) for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
