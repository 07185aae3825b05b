// Elementary functions in float32 without branches or calls, so that loops over them become vector instructions. NaN
// passes through. Coefficients: test/fixtures/scripts/fitKernelPolynomials.py.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#define STF_INLINE inline __attribute__((always_inline))

namespace stf {

// e^x to 2 units in the last place between −87.3 and 88.3; 0 below and infinite above.
STF_INLINE float exponential(float x) {
  constexpr float kLowest = -87.3f;
  constexpr float kHighest = 88.3f;
  // Adding it leaves the sum's lowest bits holding the nearest integer.
  constexpr float kRounding = 12582912.0f;  // 1.5·2^23
  const float above = x < kLowest ? kLowest : x;
  const float clamped = above > kHighest ? kHighest : above;
  const float rounded = clamped * 1.44269504f + kRounding;
  const float n = rounded - kRounding;
  // ln 2 in two parts (Cody and Waite, 1980): n times the first is exact.
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  const float p =
      0.49999994f + r * (0.16666521f + r * (0.04166839f + r * (0.008368719f + r * 0.0013814606f)));
  uint32_t bits;
  std::memcpy(&bits, &rounded, sizeof bits);
  bits = (bits << 23) + (127u << 23);
  float power;
  std::memcpy(&power, &bits, sizeof power);
  const float value = (1.0f + (r + r * r * p)) * power;
  const float floored = x < kLowest ? 0.0f : value;
  return x > kHighest ? std::numeric_limits<float>::infinity() : floored;
}

// log(1+u) for 0 ≤ u ≤ 1, to 2 units in the last place.
STF_INLINE float logOnePlus(float u) {
  const float s = u / (2.0f + u);
  const float q = s * s;
  return s * (2.0f + q * (0.66666317f + q * (0.40024912f + q * (0.27960572f + q * 0.28178498f))));
}

// The logistic function 1/(1+e^−x).
STF_INLINE float logistic(float x) { return 1.0f / (1.0f + exponential(-x)); }

// The standard normal distribution at x.
struct Normal {
  float cumulative;
  float density;
};

// Φ(x) and φ(x) share their exponential. Of Φ(−a) the form e^(−a²/2)·t·P(t) is fitted (after Abramowitz and Stegun, 1964,
// 7.1.26), which unlike (1+erf)/2 keeps its relative accuracy where Φ is small.
STF_INLINE Normal normal(float x) {
  constexpr float kInverseRootTwoPi = 0.398942280f;
  const float a = std::fabs(x);
  const float bell = exponential(-0.5f * a * a);
  const float t = 2.6f / (2.6f + a);
  const float u = 1.0f - 2.0f * t;
  const float high = 0.00012679477f + u * (0.001044652f + u * (0.00012433056f + u * (-0.00015374509f + u * -5.3360054e-05f)));
  const float p =
      0.27380538f + u * (-0.1733457f + u * (0.05861049f + u * (-0.00013667134f + u * (-0.006591375f + u * high))));
  const float tail = bell * t * p;
  return {x < 0.0f ? tail : 1.0f - tail, kInverseRootTwoPi * bell};
}

}  // namespace stf
