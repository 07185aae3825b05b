// All operations of ours in one translation unit: TensorFlow's headers take longer to compile than everything here.
#include "layerNormOperation.h"
