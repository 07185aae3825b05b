import { Command, Option } from 'commander';
import { EngineError } from '../../model/engine/engineError.js';
import { ENGINE_REQUESTS } from '../../model/engine/engineRequest.js';
import { installWeights } from '../../model/engine/install/installWeights.js';
import { setUpEngine } from '../../model/engine/install/setUpEngine.js';
import { WEIGHTS_NAMES, type WeightsName } from '../../model/engine/install/weightPins.js';
import { installFaceModels } from '../preprocessing/installFaceModels.js';
import { outliveTerminal } from '../terminal/outliveTerminal.js';

type SetupOptions = { engine?: string; verify?: boolean; weights?: WeightsName; faces?: boolean };

const setupCommand = new Command('setup')
  .description('Installs the engine that computes: TensorFlow under the TensorFlow.js API, or WebAssembly without it.')
  .addOption(
    new Option('--engine <name>', 'which engine; auto takes the fastest that runs here').choices(ENGINE_REQUESTS),
  )
  .addOption(new Option('--weights <name>', 'also fetches pretrained weights for a backbone').choices(WEIGHTS_NAMES))
  .option('--faces', 'also fetches the face detector and the landmark predictor of `preprocess`, 106 MB')
  .option('--verify', 'read every installed byte again and compare checksums')
  .addHelpText(
    'after',
    `
Examples:
  $ npm run setup                              the native engine, or wasm where it cannot be had
  $ npm run setup -- --engine tensorflow-cuda  for NVIDIA GPUs (not tried yet); needs only the driver
  $ npm run setup -- --faces                   with what preprocess needs to find faces in videos
  $ STF_ENGINE=tensorflow npm run setup        fails instead of falling back

Kept in $STF_CACHE, else $XDG_CACHE_HOME/stf-mamba, else ~/.cache/stf-mamba, and shared by all checkouts.
Exit codes: 0 an engine is set up, 2 the engine asked for cannot be had.`,
  )
  .exitOverride()
  .action(async ({ weights, faces, ...options }: SetupOptions) => {
    const say = (line: string) => process.stdout.write(`setup: ${line}\n`);
    await setUpEngine({ ...options, say });
    const scrutiny = options.verify ? 'full' : 'quick';
    if (weights) await installWeights(weights, { say, scrutiny });
    if (faces) await installFaceModels({ say, scrutiny });
  });

outliveTerminal(2);
try {
  await setupCommand.parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}

/** One message and exit code 2 for what the user can mend; anything else is a bug of ours and keeps its stack. */
function reportFailure(error: unknown): number {
  if (error instanceof EngineError) {
    process.stderr.write(`error: ${error.message}\n`);
    return 2;
  }
  // Commander has printed its own message; asking for help is no failure.
  const { code, exitCode } = error as { code?: string; exitCode?: number };
  if (code?.startsWith('commander.')) return exitCode === 0 ? 0 : 2;
  throw error;
}
