// exp in float32 without branches, so that loops over it become vector instructions.
#pragma once

#include <cstdint>
#include <cstring>

namespace stf {

// Relative error below 2e-7; 0 below −87 (where e^x < 2e-38), ∞ above 88.7, NaN for NaN. Cody and Waite's reduction
// x = n·ln 2 + r with a polynomial for e^r, |r| ≤ ln 2 / 2.
inline float exponential(float x) {
  constexpr float kLowest = -87.0f;
  constexpr float kHighest = 88.7f;
  // Clipped only to keep the exponent's bits in range: what lies outside is replaced below.
  const float inside = x < kLowest ? kLowest : x > kHighest ? kHighest : x;
  // Adding 1.5·2²³ rounds to a whole number, which then lies in the low bits.
  constexpr float kRound = 12582912.0f;
  const float shifted = inside * 1.44269504088896341f + kRound;
  const float n = shifted - kRound;
  const float r = (inside - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  // 2^(n−1), so that n = 128 still has an exponent; for NaN any power will do.
  bits = (bits + 126u) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  const float value = p * power * 2.0f;
  return x < kLowest ? 0.0f : x > kHighest ? __builtin_inff() : value;
}

}  // namespace stf
