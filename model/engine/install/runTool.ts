import { spawn } from 'node:child_process';
import { EngineError } from '../engineError.js';

export type ToolResult = {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What it printed on standard output. */
  stdout: string;
  /** The same with standard error, as it came. */
  output: string;
};

/** What a tool's messages may take in memory; a compiler can print without end. */
const OUTPUT_LIMIT = 64 * 1024;

/**
 * Runs a program without a shell and gathers the end of what it prints.
 * @returns its exit code and output; `code` is null if a signal ended it.
 * @throws EngineError if the program is not there.
 */
export function runTool(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-OUTPUT_LIMIT);
      output = (output + text).slice(-OUTPUT_LIMIT);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_LIMIT);
    });
    child.on('error', (error) =>
      reject(new EngineError(`${program} could not be started: ${error.message}`, { cause: error })),
    );
    child.on('close', (code, signal) => resolve({ code, signal, stdout, output }));
  });
}

/** The last lines of a tool's output, for an error message. */
export function lastLines(output: string, count = 5): string {
  return output.trim().split('\n').slice(-count).join('\n');
}
