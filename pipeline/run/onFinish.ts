import { type ChildProcess, spawn } from 'node:child_process';
import { compiledModule } from '../../workers/index.js';

/** What the supervisor is told first, and, if the run lives to see its end, last. */
export type FinishOrder = { command: string; folder: string; log: string };
export type FinishReport = { exit_code: number };

/**
 * Has a command run when this process has ended, in whatever way: a small process of its own waits for the other end of
 * a pipe to close, which the system does even after a `kill -9`. It lives in its own session, where neither Ctrl-C nor
 * the closing of a terminal reaches it, and runs the command once.
 */
export class OnFinish {
  readonly #child: ChildProcess;

  constructor(order: FinishOrder) {
    this.#child = spawn(process.execPath, [compiledModule('./onFinishProcess.js', import.meta.url)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      execArgv: [],
    } as Parameters<typeof spawn>[2]);
    this.#child.on('error', () => {});
    this.#child.stdin!.on('error', () => {}); // the supervisor was ended by somebody
    this.#tell(order);
    // Nothing of it keeps this process alive; the pipe closes with the process.
    this.#child.unref();
    (this.#child.stdin as unknown as { unref(): void }).unref();
  }

  /** Of the supervisor. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Says how the run ended. The command runs after this process has. */
  report(report: FinishReport): void {
    this.#tell(report);
  }

  #tell(line: object): void {
    this.#child.stdin!.write(`${JSON.stringify(line)}\n`);
  }
}
