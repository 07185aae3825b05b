import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import type { FinishOrder, FinishReport } from './onFinish.js';

/* Waits until whoever holds the other end of standard input is gone, runs the command and ends. Says nothing but in
 * its log. */

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE'] as const) process.on(name, () => {});

let text = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  text += chunk;
});
process.stdin.once('end', finish).once('error', finish);

let finished = false;
function finish(): void {
  if (finished) return;
  finished = true;
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length === 0) return;
  const order = JSON.parse(lines[0]!) as FinishOrder;
  const code = lines.length > 1 ? String((JSON.parse(lines.at(-1)!) as FinishReport).exit_code) : 'crashed';
  const note = (words: string) => {
    try {
      appendFileSync(order.log, `${new Date().toISOString()} ${words}\n`);
    } catch {
      // A full disk must not keep the command from running.
    }
  };
  note(`the run has ended (${code}); running: ${order.command}`);
  let output: number | 'ignore' = 'ignore';
  try {
    output = openSync(order.log, 'a');
  } catch {
    // as above
  }
  const child = spawn(order.command, {
    shell: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, STF_EXIT_CODE: code, STF_RUN_FOLDER: order.folder },
  });
  child.on('error', ({ message }) => note(`could not be started: ${message}`));
  child.on('close', (status, signal) => {
    if (typeof output === 'number') closeSync(output);
    note(`ended with ${signal ?? status}`);
    process.exit(0);
  });
}
