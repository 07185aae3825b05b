// Global response normalisation (Woo et al., ConvNeXt V2, 2023, algorithm 1): y = γ·(x·N) + β + x with N_c = G_c/mean(G)
// and G_c the norm of channel c over the positions of an image.
#pragma once

#include <cmath>

#include "parallel.h"
#include "sumOverPositions.h"

namespace stf {

struct GlobalResponseShape {
  int64_t images;
  int64_t positions;
  int64_t width;
  // Added to a sum of squares and to the mean norm.
  float rootEpsilon;
  float epsilon;
};

inline float meanNorm(const GlobalResponseShape& shape, const float* norm) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < shape.width; ++c) sum += norm[c];
  return sum / static_cast<float>(shape.width) + shape.epsilon;
}

// x, y: [images, positions, width]; gamma, beta: [width]; norm: [images, width] is kept for the gradient. An image is one
// task, which reads it twice, the second time from the cache.
inline void globalResponseNorm(const Parallel& parallel, const GlobalResponseShape& shape, const float* x,
                               const float* gamma, const float* beta, float* y, float* norm) {
  const auto [images, positions, width, rootEpsilon, epsilon] = shape;
  parallel(images, 4 * positions * width, [&, positions = positions, width = width, rootEpsilon = rootEpsilon](
                                              int64_t first, int64_t last) {
    std::vector<float> room(static_cast<size_t>(width));
    float* factor = room.data();
    for (int64_t image = first; image < last; ++image) {
      const float* in = x + image * positions * width;
      float* out = y + image * positions * width;
      float* norms = norm + image * width;
      sumOverPositions(positions, width, norms, factor, [=](int64_t p, float* run) {
        const float* at = in + p * width;
#pragma omp simd
        for (int64_t c = 0; c < width; ++c) run[c] += at[c] * at[c];
      });
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) norms[c] = std::sqrt(norms[c] + rootEpsilon);
      const float mean = meanNorm(shape, norms);
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) factor[c] = norms[c] / mean * gamma[c] + 1.0f;
      for (int64_t p = 0; p < positions; ++p) {
        const float* at = in + p * width;
        float* to = out + p * width;
#pragma omp simd
        for (int64_t c = 0; c < width; ++c) to[c] = at[c] * factor[c] + beta[c];
      }
    }
  });
}

// N_c depends on its own norm and, through the mean, on those of all channels:
// dG_c = q_c/M − Σ q⊙G/(M²·C) with q_c = γ_c·Σ dy⊙x, M the mean; dx = dy·(γ·N + 1) + x·dG/G.
// dx may be dy. dParameters: [2, width], dγ and dβ.
inline void globalResponseNormGradient(const Parallel& parallel, const GlobalResponseShape& shape, const float* dy,
                                       const float* x, const float* gamma, const float* norm, float* dx,
                                       float* dParameters) {
  const int64_t width = shape.width;
  const int64_t positions = shape.positions;
  std::vector<float> byImage(static_cast<size_t>(shape.images * 2 * width));
  parallel(shape.images, 6 * positions * width, [&](int64_t first, int64_t last) {
    std::vector<float> room(static_cast<size_t>(4 * width));
    float* const run = room.data();
    float* const factor = room.data() + 2 * width;
    float* const slope = room.data() + 3 * width;
    for (int64_t image = first; image < last; ++image) {
      const float* in = x + image * positions * width;
      const float* d = dy + image * positions * width;
      float* out = dx + image * positions * width;
      const float* norms = norm + image * width;
      float* const products = byImage.data() + image * 2 * width;
      sumOverPositions(positions, 2 * width, products, run, [=](int64_t p, float* sums) {
        const float* at = in + p * width;
        const float* from = d + p * width;
#pragma omp simd
        for (int64_t c = 0; c < width; ++c) {
          sums[c] += from[c] * at[c];
          sums[width + c] += from[c];
        }
      });
      const float mean = meanNorm(shape, norms);
      float shared = 0;
      const float* weight = gamma;  // A captured pointer keeps gcc from vector instructions in a reduction.
#pragma omp simd reduction(+ : shared)
      for (int64_t c = 0; c < width; ++c) shared += products[c] * weight[c] * norms[c];
      shared /= mean * mean * static_cast<float>(width);
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) {
        const float ratio = norms[c] / mean;
        factor[c] = ratio * weight[c] + 1.0f;
        slope[c] = (products[c] * weight[c] / mean - shared) / norms[c];
        products[c] *= ratio;
      }
      for (int64_t p = 0; p < positions; ++p) {
        const float* at = in + p * width;
        const float* from = d + p * width;
        float* to = out + p * width;
#pragma omp simd
        for (int64_t c = 0; c < width; ++c) to[c] = from[c] * factor[c] + at[c] * slope[c];
      }
    }
  });
  std::fill(dParameters, dParameters + 2 * width, 0.0f);
  for (int64_t image = 0; image < shape.images; ++image)
    for (int64_t i = 0; i < 2 * width; ++i) dParameters[i] += byImage[static_cast<size_t>(image * 2 * width + i)];
}

}  // namespace stf
