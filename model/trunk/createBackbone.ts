import type { StfConfig } from '../config/stfConfig.js';
import type { ParameterScope } from '../layers/parameterScope.js';
import { ConvNextV2 } from './convNextV2.js';
import { EfficientNetLite0 } from './efficientNetLite0.js';
import { NativeBackbone } from './nativeBackbone.js';
import type { SpatialBackbone } from './spatialBackbone.js';

/** The backbone that the configuration names. Its parameters are `stem.*` and `down*.*`, or `backbone.*`. */
export function createBackbone(scope: ParameterScope, config: StfConfig): SpatialBackbone {
  switch (config.spatial_backbone) {
    case 'v73':
      return new NativeBackbone(scope, config);
    case 'convnextv2':
      return new ConvNextV2(scope.within('backbone'), config);
    case 'efficientnet_lite0':
      return new EfficientNetLite0(scope.within('backbone'), config);
  }
}
