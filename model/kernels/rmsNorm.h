// Root mean square normalisation over rows (Zhang and Sennrich, 2019): y = x/√(mean(x²) + ε)·γ.
#pragma once

#include <cmath>

#include "parallel.h"

namespace stf {

// x, y: [rows, width]; gamma: [width]; the inverse root mean square of each row is kept for the gradient.
inline void rmsNorm(const Parallel& parallel, int64_t rows, int64_t width, float epsilon, const float* x,
                    const float* gamma, float* y, float* inverse) {
  parallel(rows, 4 * width, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* in = x + row * width;
      float* out = y + row * width;
      float squares = 0;
#pragma omp simd reduction(+ : squares)
      for (int64_t c = 0; c < width; ++c) squares += in[c] * in[c];
      const float scale = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon);
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) out[c] = in[c] * scale * gamma[c];
      inverse[row] = scale;
    }
  });
}

// dx = (g − x̂·mean(g⊙x̂))/rms with g = dy⊙γ, x̂ = x/rms; dγ = Σ dy⊙x̂ over rows. dx may be dy.
inline void rmsNormGradient(const Parallel& parallel, int64_t rows, int64_t width, const float* dy, const float* x,
                            const float* gamma, const float* inverse, float* dx, float* dGamma) {
  sumInBlocks(parallel, rows, 8 * width, width, dGamma, [=](int64_t begin, int64_t end, float* sums) {
    for (int64_t row = begin; row < end; ++row) {
      const float* in = x + row * width;
      const float* d = dy + row * width;
      float* out = dx + row * width;
      const float scale = inverse[row];
      float along = 0;
      // What keeps gcc from vector instructions in a reduction: a captured pointer, and sums into a vector beside it.
      const float* weight = gamma;
#pragma omp simd reduction(+ : along)
      for (int64_t c = 0; c < width; ++c) along += d[c] * weight[c] * in[c];
      along *= scale / static_cast<float>(width);
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) {
        const float slope = d[c];
        const float normalised = in[c] * scale;
        sums[c] += slope * normalised;
        out[c] = scale * (slope * weight[c] - normalised * along);
      }
    }
  });
}

}  // namespace stf
