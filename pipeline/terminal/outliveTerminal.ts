/** What writing to a terminal or a pipe ends with when nobody is at its other end any more. */
const GONE = new Set(['EPIPE', 'EIO']);

/**
 * Lets a command go on when the terminal that it was started from closes, or when whoever reads what it says goes away
 * (`train … 2>&1 | head`): Node would end the process at either, also under `nohup`, since it takes an inherited
 * "ignore SIGHUP" back. What is said on standard error is lost then, for whatever reason, and nothing else is.
 *
 * @param lostCode exit code of a command that did what it should and could not say it on standard output, as on a full disk
 */
export function outliveTerminal(lostCode: number): void {
  process.on('SIGHUP', () => {});
  process.stderr.on('error', () => {});
  let lost = false;
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (lost || GONE.has(code ?? '')) return;
    lost = true;
    process.stderr.write(`error: cannot write to standard output: ${message}\n`);
    process.once('exit', (exitCode) => {
      if (exitCode === 0) process.exitCode = lostCode;
    });
  });
}
