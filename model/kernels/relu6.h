// ReLU6 (Krizhevsky, 2010), min(max(x, 0), 6), and its derivative from its value. NaN passes through.
#pragma once

#include "parallel.h"
#include "product.h"
#include "sumOverPositions.h"

namespace stf {

// A number or a vector of numbers.
template <typename Value>
STF_INLINE Value clip6(const Value& x) {
  const Value least = Value() + 0.0f, most = Value() + 6.0f;
  const Value above = x < least ? least : x;
  return above > most ? most : above;
}

// 1 inside of 0…6, else 0.
template <typename Value>
STF_INLINE Value slope6(const Value& y) {
  const Value none = Value() + 0.0f, one = Value() + 1.0f, most = Value() + 6.0f;
  const Value positive = y > none ? one : none;
  return y < most ? positive : none;
}

// y = relu6(x + shift) over rows; y may be x. shift: [width].
inline void shiftedRelu6(const Parallel& parallel, int64_t rows, int64_t width, const float* x, const float* shift,
                         float* y) {
  parallel(rows, width / 4, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* in = x + row * width;
      float* out = y + row * width;
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) out[c] = clip6(in[c] + shift[c]);
    }
  });
}

// The gradient of y = relu6(x + shift) over rows: dx = dy where 0 < y < 6, else dy·0; dShift = Σ dx over rows. dx may
// be dy. dShift: [width].
inline void relu6Gradient(const Parallel& parallel, int64_t rows, int64_t width, const float* dy, const float* y,
                          float* dx, float* dShift) {
  sumInBlocks(parallel, rows, width / 4, width, dShift, [=](int64_t begin, int64_t end, float* sums) {
    std::vector<float> run(static_cast<size_t>(width));
    sumOverPositions(end - begin, width, sums, run.data(), [=](int64_t row, float* run) {
      const float* d = dy + (begin + row) * width;
      const float* value = y + (begin + row) * width;
      float* out = dx + (begin + row) * width;
#pragma omp simd
      for (int64_t c = 0; c < width; ++c) {
        const float slope = d[c] * slope6(value[c]);
        out[c] = slope;
        run[c] += slope;
      }
    });
  });
}

}  // namespace stf
