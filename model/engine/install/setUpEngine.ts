import { EngineError } from '../engineError.js';
import { type EngineRecord, readEngineRecord, writeEngineRecord } from '../engineRecord.js';
import { type EngineRequest, resolveEngineRequest } from '../engineRequest.js';
import { engineRecordPath, nativePackageFolder } from '../nativePackage.js';
import type { EngineInfo } from '../startEngine.js';
import type { NativeVariant, PinnedWheel } from './enginePins.js';
import { installNativeEngine } from './installNativeEngine.js';
import { unsupportedPlatform } from './prerequisites.js';
import { runSelfTest } from './runSelfTest.js';

export type SetUpOptions = {
  /** What the user asks for now; undefined keeps what was asked for by name in an earlier set-up, else `auto`. */
  engine?: string;
  /** Read every installed byte again. */
  verify?: boolean;
  say: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  packageFolder?: string;
  wheels?: PinnedWheel[];
  kernelFolder?: string;
  selfTest?: typeof runSelfTest;
};

/**
 * Gives this checkout an engine and records the choice for startEngine.
 *
 * `auto` means the native engine, and `wasm` with the reason where that cannot be had.
 * @throws EngineError if an engine asked for by name (option or STF_ENGINE) cannot be had; nothing is recorded then.
 */
export async function setUpEngine(options: SetUpOptions): Promise<EngineRecord> {
  const { say, env = process.env, packageFolder = nativePackageFolder() } = options;
  const recordPath = engineRecordPath(packageFolder);
  const request = requestOf(options.engine, env, readEngineRecord(recordPath));
  const asked = options.engine !== undefined && request.engine !== 'auto' ? request.engine : undefined;
  const record = { ...(await choose(request, options)), asked: asked ?? request.kept };
  writeEngineRecord(record, recordPath);
  say(`engine: ${record.engine} ${record.version} (${record.reason})`);
  return record;
}

type Request = { engine: EngineRequest; from: string; kept?: NativeVariant | 'wasm' };

function requestOf(engine: string | undefined, env: NodeJS.ProcessEnv, earlier: EngineRecord | undefined): Request {
  if (engine === 'auto') return { engine: 'auto', from: 'the best engine was asked for' };
  const request = resolveEngineRequest(engine, env);
  if (request.engine !== 'auto' || earlier?.asked === undefined) return request;
  const from = `${earlier.asked} was asked for in an earlier set-up; --engine auto chooses anew`;
  return { engine: earlier.asked, from, kept: earlier.asked };
}

async function choose(request: Request, options: SetUpOptions): Promise<EngineRecord> {
  const { selfTest = runSelfTest, env = process.env, say } = options;
  if (request.engine === 'wasm') return useWasm(request.from, options);
  const variant: NativeVariant = request.engine === 'tensorflow-cuda' ? 'tensorflow-cuda' : 'tensorflow';
  if (variant === 'tensorflow-cuda') say('tensorflow-cuda: this way of installing has not been tried on a GPU yet');
  try {
    const unsupported = unsupportedPlatform();
    if (unsupported !== undefined) throw new EngineError(unsupported);
    const operations = await installNativeEngine({
      ...options,
      variant,
      scrutiny: options.verify ? 'full' : 'quick',
    });
    const info = await selfTest('tensorflow', env);
    if (variant === 'tensorflow-cuda' && info.device !== 'gpu') {
      say('TensorFlow sees no GPU here: check the driver with `nvidia-smi`; until then it computes on the CPU');
    }
    const { version, device } = info;
    return { engine: variant, version, reason: reasonFor(request, info), device, operations };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (request.engine !== 'auto') {
      throw new EngineError(`${request.from}, but it cannot be had: ${error.message}`, { cause: error });
    }
    say(`no native engine: ${error.message}`);
    return useWasm(`no native engine: ${error.message.split('\n')[0]}`, options);
  }
}

function reasonFor(request: Request, info: EngineInfo): string {
  const why = request.engine === 'auto' ? 'the fastest engine that runs here' : request.from;
  return `${why}; computes on the ${info.device.toUpperCase()} with ${info.threads} threads`;
}

async function useWasm(reason: string, options: SetUpOptions): Promise<EngineRecord> {
  const { selfTest = runSelfTest, env = process.env, say } = options;
  const { version } = await selfTest('wasm', env);
  say('wasm trains the debug configuration and scores with any; the native engine is at least twice as fast');
  return { engine: 'wasm', version, reason };
}
