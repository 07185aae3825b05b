// Layer normalisation over rows (Ba, Kiros and Hinton, 2016), biased variance: y = (x − μ)/√(σ² + ε)·γ + β.
#pragma once

#include <cmath>

#include "parallel.h"

namespace stf {

// x, y: [rows, width]; gamma, beta: [width]; mean and inverse deviation of each row are kept for the gradient.
inline void layerNorm(const Parallel& parallel, int64_t rows, int64_t width, float epsilon, const float* x,
                      const float* gamma, const float* beta, float* y, float* mean, float* inverse) {
  parallel(rows, 6 * width, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* in = x + row * width;
      float* out = y + row * width;
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t c = 0; c < width; ++c) sum += in[c];
      const float centre = sum / static_cast<float>(width);
      float squares = 0;
#pragma omp simd reduction(+ : squares)
      for (int64_t c = 0; c < width; ++c) squares += (in[c] - centre) * (in[c] - centre);
      const float scale = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon);
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) out[c] = (in[c] - centre) * scale * gamma[c] + beta[c];
      mean[row] = centre;
      inverse[row] = scale;
    }
  });
}

// dx = (g − mean(g) − x̂·mean(g⊙x̂))/σ with g = dy⊙γ; dγ = Σ dy⊙x̂, dβ = Σ dy over rows. dParameters: [2, width].
inline void layerNormGradient(const Parallel& parallel, int64_t rows, int64_t width, const float* dy, const float* x,
                              const float* gamma, const float* mean, const float* inverse, float* dx,
                              float* dParameters) {
  sumInBlocks(parallel, rows, 10 * width, 2 * width, dParameters, [=](int64_t begin, int64_t end, float* sums) {
    float* dGamma = sums;
    float* dBeta = sums + width;
    for (int64_t row = begin; row < end; ++row) {
      const float* in = x + row * width;
      const float* d = dy + row * width;
      float* out = dx + row * width;
      const float centre = mean[row];
      const float scale = inverse[row];
      float total = 0;
      float along = 0;
      // What keeps gcc from vector instructions in a reduction: a captured pointer, and sums into a vector beside it.
      const float* weight = gamma;
#pragma omp simd reduction(+ : total, along)
      for (int64_t c = 0; c < width; ++c) {
        const float g = d[c] * weight[c];
        total += g;
        along += g * (in[c] - centre);
      }
      total /= static_cast<float>(width);
      along *= scale / static_cast<float>(width);
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) {
        const float slope = d[c];
        const float normalised = (in[c] - centre) * scale;
        dGamma[c] += slope * normalised;
        dBeta[c] += slope;
        out[c] = scale * (slope * weight[c] - total - normalised * along);
      }
    }
  });
}

}  // namespace stf
