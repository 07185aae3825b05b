import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { setEngineEnvironment } from './engineEnvironment.js';
import { EngineError } from './engineError.js';
import { restoreLegacyNodeUtil } from './legacyNodeUtil.js';
import { addonPath } from './nativePackage.js';
import { loadOwnAddon, type OwnAddon } from './ownAddon.js';

export type NativeEngine = {
  version: string;
  device: 'cpu' | 'gpu';
  threads: number;
  /** Our own operations and the recorder of graphs, or why there are none. */
  own: OwnAddon | string;
};

/** What we use of the package's backend object. */
type NativeBackend = { binding: { TF_Version: string }; isUsingGpuDevice: boolean };

const require = createRequire(import.meta.url);

/**
 * Loads libtensorflow through `@tensorflow/tfjs-node-gpu` and makes it the backend. The package registers itself with
 * the same `@tensorflow/tfjs` that the model imports.
 * @throws EngineError if the addon is missing or libtensorflow does not load.
 */
export async function startNativeEngine(): Promise<NativeEngine> {
  setEngineEnvironment();
  restoreLegacyNodeUtil();
  if (!existsSync(addonPath())) {
    throw new EngineError('the TensorFlow addon is not installed; run `npm run setup`');
  }
  loadPackage();
  if (!(await tf.setBackend('tensorflow'))) {
    throw new EngineError('the TensorFlow backend did not start; run `npm run setup -- --verify`');
  }
  const backend = tf.backend() as unknown as NativeBackend;
  return {
    version: backend.binding.TF_Version,
    device: backend.isUsingGpuDevice ? 'gpu' : 'cpu',
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism(),
    own: loadOwnAddon(),
  };
}

function loadPackage(): void {
  // Its dependencies use `punycode` and `url.parse`; Node would print a deprecation notice for each to our users.
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    require('@tensorflow/tfjs-node-gpu');
  } catch (error) {
    const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new EngineError(`the TensorFlow addon does not load (${detail}); run \`npm run setup\``, { cause: error });
  } finally {
    process.noDeprecation = noDeprecation ?? false;
  }
}
