// Sums over many items of which each gives a number for every channel.
#pragma once

#include <algorithm>
#include <cstdint>

namespace stf {

// Sums over the positions of one image, in short runs of their own so that rounding does not grow with their number.
// `add(position, run)` adds a position to `run`; `sums` receives the totals, `run` is room. Both have `width` elements.
template <typename Add>
void sumOverPositions(int64_t positions, int64_t width, float* sums, float* run, const Add& add) {
  constexpr int64_t kRun = 32;
  std::fill(sums, sums + width, 0.0f);
  for (int64_t begin = 0; begin < positions; begin += kRun) {
    std::fill(run, run + width, 0.0f);
    for (int64_t p = begin; p < std::min(positions, begin + kRun); ++p) add(p, run);
    for (int64_t c = 0; c < width; ++c) sums[c] += run[c];
  }
}

}  // namespace stf
