// The arithmetic of all kernels without TensorFlow, for a build with sanitizers. A kernel's check is added by one line.
#include "activationCheck.h"
#include "adamWCheck.h"
#include "contourCheck.h"
#include "depthwiseCheck.h"
#include "normCheck.h"
#include "relu6Check.h"
#include "sequenceCheck.h"

int main() {
  for (const auto& check : hostile::checks()) {
    check.run();
    std::printf("%s\n", check.name.c_str());
  }
  return 0;
}
