import { spawn } from 'node:child_process';

/** What the threads get to come to their ends in. */
const GRACE_MS = 5000;

/** Ends with the process that it was started by, whose end it sees at standard input, or ends that one. */
const KILLER = `setTimeout(() => process.kill(Number(process.argv[1]), 'SIGKILL'), ${GRACE_MS});
process.stdin.resume().once('end', () => process.exit());`;

/**
 * Ends this process also where one of its threads is stuck: `process.exit` waits for all of them, and one that does not
 * come back from native code (a GPU that hangs, a network volume that is away) would keep it alive for ever. Then a small
 * process kills this one; that it had an exit code is lost.
 */
export function endProcess(code: number): never {
  const killer = spawn(process.execPath, ['-e', KILLER, String(process.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    execArgv: [],
  } as Parameters<typeof spawn>[2]);
  killer.on('error', () => {});
  process.exit(code);
}
