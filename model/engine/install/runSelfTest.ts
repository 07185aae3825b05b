import { fileURLToPath } from 'node:url';
import { EngineError } from '../engineError.js';
import type { EngineInfo } from '../startEngine.js';
import { lastLines, runTool } from './runTool.js';

/**
 * Starts an engine in a process of its own and has it compute: a library built for another processor dies by a signal,
 * and that should not be the caller's process.
 * @throws EngineError saying what happened, if it does not compute.
 */
export async function runSelfTest(engine: EngineInfo['name'], env: NodeJS.ProcessEnv): Promise<EngineInfo> {
  // Threads and child processes run compiled code; from TypeScript sources that is the twin under dist/.
  const here = new URL('./selfTest.js', import.meta.url);
  const compiled = import.meta.url.endsWith('.ts')
    ? new URL('../../../dist/model/engine/install/selfTest.js', import.meta.url)
    : here;
  const { code, signal, stdout, output } = await runTool(process.execPath, [fileURLToPath(compiled), engine], env);
  if (code !== 0) {
    const end =
      signal === null ? `exit code ${code}` : `${signal}${signal === 'SIGILL' ? ', the processor lacks AVX?' : ''}`;
    throw new EngineError(
      `the engine ${engine} was installed but its self-test failed (${end}):\n${lastLines(output)}`,
    );
  }
  return JSON.parse(lastLines(stdout, 1)) as EngineInfo;
}
