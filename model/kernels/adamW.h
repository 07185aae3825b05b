// Adam with decoupled weight decay (Kingma and Ba, 2015; Loshchilov and Hutter, 2019) over many parameters at once, whose
// gradients and moments lie one after the other in flat vectors.
#pragma once

#include <cmath>

#include "elementwise.h"

namespace stf {

// What an update multiplies by. The gradient is `scale` times the vector: averaging and clipping in one.
struct AdamWFactors {
  float scale;
  float learningRate;
  float decay;  // 1 − lr·wd
  // 1 − β^t, which correct the moments for having begun at zero.
  float correction1;
  float correction2;
  float beta1;
  float beta2;
  // 1 − β, which float32 would not give exactly.
  float weight1;
  float weight2;
  float epsilon;
};

// A parameter, where its part of the flat vectors begins, and its new value.
struct AdamWParameter {
  const float* value;
  float* next;
  int64_t begin;
  int64_t size;
};

// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², p ← decay·p − lr·m̂/(√v̂ + ε). New moments and parameters may be the old ones.
// Where `scale` is not a finite number everything stays as it is: that is how an update is left out.
inline void adamW(const Parallel& parallel, const AdamWFactors& with, const float* gradient, const float* m,
                  const float* v, float* nextM, float* nextV, const std::vector<AdamWParameter>& parameters) {
  const bool skip = !std::isfinite(with.scale);
  for (const AdamWParameter& parameter : parameters) {
    const float* g = gradient + parameter.begin;
    const float *m0 = m + parameter.begin, *v0 = v + parameter.begin, *p0 = parameter.value;
    float *m1 = nextM + parameter.begin, *v1 = nextV + parameter.begin, *p1 = parameter.next;
    inChunks(parallel, parameter.size, 4, [=](int64_t begin, int64_t end) {
      if (skip) {
        if (m1 != m0) std::copy(m0 + begin, m0 + end, m1 + begin);
        if (v1 != v0) std::copy(v0 + begin, v0 + end, v1 + begin);
        if (p1 != p0) std::copy(p0 + begin, p0 + end, p1 + begin);
        return;
      }
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        const float scaled = g[i] * with.scale;
        const float first = m0[i] * with.beta1 + scaled * with.weight1;
        const float second = v0[i] * with.beta2 + scaled * scaled * with.weight2;
        const float step = first / with.correction1 / (std::sqrt(second / with.correction2) + with.epsilon);
        m1[i] = first;
        v1[i] = second;
        p1[i] = p0[i] * with.decay - step * with.learningRate;
      }
    });
  }
}

// A stretch of numbers.
struct Stretch {
  const float* values;
  int64_t size;
};

// Σ x² over all stretches, in double: the same for any number of threads.
inline double squareSum(const Parallel& parallel, const std::vector<Stretch>& stretches) {
  constexpr int64_t kBlock = 16384;
  double total = 0;
  for (const Stretch& stretch : stretches) {
    const int64_t blocks = (stretch.size + kBlock - 1) / kBlock;
    std::vector<double> sums(static_cast<size_t>(blocks));
    parallel(blocks, kBlock, [&](int64_t first, int64_t last) {
      for (int64_t block = first; block < last; ++block) {
        const float* x = stretch.values;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t i = block * kBlock; i < std::min(stretch.size, (block + 1) * kBlock); ++i)
          sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        sums[static_cast<size_t>(block)] = sum;
      }
    });
    for (const double sum : sums) total += sum;
  }
  return total;
}

}  // namespace stf
