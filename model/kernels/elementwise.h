// Functions of each element by itself.
#pragma once

#include "parallel.h"

namespace stf {

// Calls `body` on ranges that cover [0, count) and begin at multiples of a fixed length. A compiler may treat the last
// elements of a loop in another way than the others: so which ones these are must not depend on the number of threads.
inline void inChunks(const Parallel& parallel, int64_t count, int64_t cost, const Range& body) {
  constexpr int64_t kChunk = 4096;
  parallel((count + kChunk - 1) / kChunk, cost * kChunk, [&](int64_t first, int64_t last) {
    for (int64_t chunk = first; chunk < last; ++chunk)
      body(chunk * kChunk, std::min(count, (chunk + 1) * kChunk));
  });
}

// y[i] = Function::value(x[i]); y may be x.
template <typename Function>
void elementwise(const Parallel& parallel, int64_t count, const float* x, float* y) {
  inChunks(parallel, count, Function::kCost, [=](int64_t begin, int64_t end) {
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) y[i] = Function::value(x[i]);
  });
}

// dx[i] = dy[i]·Function::derivative(x[i]); dx may be dy.
template <typename Function>
void elementwiseGradient(const Parallel& parallel, int64_t count, const float* dy, const float* x, float* dx) {
  inChunks(parallel, count, Function::kCost, [=](int64_t begin, int64_t end) {
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) dx[i] = dy[i] * Function::derivative(x[i]);
  });
}

}  // namespace stf
