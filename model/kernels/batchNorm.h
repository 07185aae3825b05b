// Batch normalisation by the statistics of the rows at hand (Ioffe and Szegedy, 2015), biased variance:
// y = (x − μ_c)/√(σ_c² + ε)·γ_c + β_c, and ReLU6 of that where `clipped`.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.h"
#include "relu6.h"
#include "sumOverPositions.h"

namespace stf {

// x, y: [rows, width]; gamma, beta: [width]. Mean, variance and inverse deviation of each channel are results, too.
//
// One pass finds both moments, of the distances from the first row: a mean far from 0 cancels nothing then.
inline void batchNorm(const Parallel& parallel, int64_t rows, int64_t width, float epsilon, bool clipped,
                      const float* x, const float* gamma, const float* beta, float* y, float* mean, float* variance,
                      float* inverse) {
  std::vector<float> moments(static_cast<size_t>(2 * width));
  sumInBlocks(parallel, rows, width / 2, 2 * width, moments.data(), [=](int64_t begin, int64_t end, float* sums) {
    std::vector<float> room(static_cast<size_t>(2 * width));
    sumOverPositions(end - begin, 2 * width, sums, room.data(), [=](int64_t row, float* run) {
      const float* in = x + (begin + row) * width;
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) {
        const float distance = in[c] - x[c];
        run[c] += distance;
        run[width + c] += distance * distance;
      }
    });
  });
  std::vector<float> factors(static_cast<size_t>(width));
  float* factor = factors.data();
  const float count = static_cast<float>(std::max<int64_t>(rows, 1));
  for (int64_t c = 0; c < width; ++c) {
    const float distance = moments[static_cast<size_t>(c)] / count;
    const float spread = moments[static_cast<size_t>(width + c)] / count - distance * distance;
    mean[c] = (rows > 0 ? x[c] : 0.0f) + distance;
    variance[c] = spread < 0.0f ? 0.0f : spread;  // NaN stays
    inverse[c] = 1.0f / std::sqrt(variance[c] + epsilon);
    factor[c] = inverse[c] * gamma[c];
  }
  parallel(rows, width / 2, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* in = x + row * width;
      float* out = y + row * width;
      if (clipped) {
#pragma omp simd
        for (int64_t c = 0; c < width; ++c) out[c] = clip6((in[c] - mean[c]) * factor[c] + beta[c]);
      } else {
#pragma omp simd
        for (int64_t c = 0; c < width; ++c) out[c] = (in[c] - mean[c]) * factor[c] + beta[c];
      }
    }
  });
}

// The gradient before ReLU6, from the one after it.
template <bool kClipped>
STF_INLINE float gradientBefore(float d, float normalised, float gamma, float beta) {
  return kClipped ? d * slope6(normalised * gamma + beta) : d;
}

// With g = dy, where clipped times ReLU6's slope: dγ = Σ g⊙x̂, dβ = Σ g over rows and
// dx = γ/σ·(g − (x̂·dγ + dβ)/rows). dx may be dy. dParameters: [2, width].
template <bool kClipped>
void batchNormGradient(const Parallel& parallel, int64_t rows, int64_t width, const float* dy, const float* x,
                       const float* gamma, const float* beta, const float* mean, const float* inverse, float* dx,
                       float* dParameters) {
  sumInBlocks(parallel, rows, width, 2 * width, dParameters, [=](int64_t begin, int64_t end, float* sums) {
    std::vector<float> room(static_cast<size_t>(2 * width));
    sumOverPositions(end - begin, 2 * width, sums, room.data(), [=](int64_t row, float* run) {
      const float* d = dy + (begin + row) * width;
      const float* in = x + (begin + row) * width;
      // Captured pointers keep gcc from vector instructions.
      const float *centre = mean, *scale = inverse, *weight = gamma, *shift = beta;
      float *products = run, *totals = run + width;
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) {
        const float normalised = (in[c] - centre[c]) * scale[c];
        const float g = gradientBefore<kClipped>(d[c], normalised, weight[c], shift[c]);
        products[c] += g * normalised;
        totals[c] += g;
      }
    });
  });
  const float count = static_cast<float>(std::max<int64_t>(rows, 1));
  parallel(rows, width, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* d = dy + row * width;
      const float* in = x + row * width;
      float* out = dx + row * width;
      const float *centre = mean, *scale = inverse, *weight = gamma, *shift = beta;
      const float *products = dParameters, *totals = dParameters + width;
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) {
        const float normalised = (in[c] - centre[c]) * scale[c];
        const float g = gradientBefore<kClipped>(d[c], normalised, weight[c], shift[c]);
        const float common = (normalised * products[c] + totals[c]) / count;
        out[c] = (g - common) * (scale[c] * weight[c]);
      }
    }
  });
}

inline void batchNormGradient(const Parallel& parallel, int64_t rows, int64_t width, bool clipped, const float* dy,
                              const float* x, const float* gamma, const float* beta, const float* mean,
                              const float* inverse, float* dx, float* dParameters) {
  const auto gradient = clipped ? batchNormGradient<true> : batchNormGradient<false>;
  gradient(parallel, rows, width, dy, x, gamma, beta, mean, inverse, dx, dParameters);
}

}  // namespace stf
