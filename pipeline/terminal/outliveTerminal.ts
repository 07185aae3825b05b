/** What writing to a terminal or a pipe ends with when nobody is at its other end any more. */
const GONE = new Set(['EPIPE', 'EIO']);

/**
 * Lets a command go on when the terminal that it was started from closes, or when whoever reads what it says goes away
 * (`train … 2>&1 | head`): Node would end the process at either, also under `nohup`, since it takes an inherited
 * "ignore SIGHUP" back. What is said on standard error is lost then, for whatever reason, and nothing else is.
 *
 * @param onLost told, once, that results on standard output could not be written, as on a full disk
 */
export function outliveTerminal(onLost: (error: Error) => void): void {
  process.on('SIGHUP', () => {});
  process.stderr.on('error', () => {});
  let lost = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (lost || GONE.has(error.code ?? '')) return;
    lost = true;
    onLost(error);
  });
}
