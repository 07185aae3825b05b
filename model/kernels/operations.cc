// All operations of ours in one translation unit: TensorFlow's headers take longer to compile than everything here.
#include "activationOperation.h"
#include "adamWOperation.h"
#include "contourOperation.h"
#include "globalResponseNormOperation.h"
#include "layerNormOperation.h"
#include "quasiseparableOperation.h"
#include "rmsNormOperation.h"
#include "selectiveScanOperation.h"
