import type { StfConfig } from '../config/stfConfig.js';
import { shrink } from '../layers/clipGrid.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { DOWNSAMPLE_FACTOR, Downsample } from './downsample.js';
import type { FramePool, PoolLayer, SpatialBackbone, StageLayer, StemLayer } from './spatialBackbone.js';
import { STEM_PATCH, Stem } from './stem.js';

/** STF-Mamba's own backbone: a stem of 4×4 patches and three reductions, trained from scratch. */
export class NativeBackbone implements SpatialBackbone {
  readonly widths: SpatialBackbone['widths'];
  readonly pooledWidth: number;
  readonly identityAdapters = false;

  constructor(
    private readonly scope: ParameterScope,
    private readonly config: StfConfig,
  ) {
    const { stem_dim, stage1_dim, stage2_dim, stage3_dim } = config;
    this.widths = [stem_dim, stage1_dim, stage2_dim, stage3_dim];
    this.pooledWidth = stage3_dim;
  }

  createStem(): StemLayer {
    const stem = new Stem(this.scope.within('stem'), this.widths[0], this.config);
    return (frames, pixels) => ({ features: stem.forward(frames), grid: shrink(pixels, STEM_PATCH) });
  }

  createStage(number: 1 | 2 | 3): StageLayer {
    const [inputs, outputs] = [this.widths[number - 1], this.widths[number]];
    const down = new Downsample(this.scope.within(`down${number}`), inputs, outputs, this.config);
    return ({ features, grid }) => ({
      features: down.forward(features, grid),
      grid: shrink(grid, DOWNSAMPLE_FACTOR),
    });
  }

  createPool(pool: FramePool): PoolLayer {
    return pool;
  }
}
