// Activation functions with their derivatives, for elementwise.h.
#pragma once

#include "elementaryFunctions.h"
#include "elementwise.h"

namespace stf {

// x·Φ(x) (Hendrycks and Gimpel, 2016).
struct Gelu {
  static constexpr int64_t kCost = 4;
  static STF_INLINE float value(float x) { return x * normal(x).cumulative; }
  static STF_INLINE float derivative(float x) {
    const Normal at = normal(x);
    return at.cumulative + x * at.density;
  }
};

// x·σ(x) (Elfwing, Uchibe and Doya, 2017).
struct Silu {
  static constexpr int64_t kCost = 3;
  static STF_INLINE float value(float x) { return x * logistic(x); }
  static STF_INLINE float derivative(float x) {
    // σ(x) and 1 − σ(x), neither of them by a subtraction that x would then magnify.
    const float bell = exponential(-std::fabs(x));
    const float large = 1.0f / (1.0f + bell);
    const float small = bell * large;
    const float s = x < 0.0f ? small : large;
    const float rest = x < 0.0f ? large : small;
    return s * (1.0f + x * rest);
  }
};

// log(1+e^x).
struct Softplus {
  static constexpr int64_t kCost = 4;
  static STF_INLINE float value(float x) {
    return (x > 0.0f ? x : 0.0f) + logOnePlus(exponential(-std::fabs(x)));
  }
  static STF_INLINE float derivative(float x) { return logistic(x); }
};

}  // namespace stf
