// How a kernel spreads its work over threads, without knowing TensorFlow: its arithmetic can then be tested alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace stf {

using Range = std::function<void(int64_t begin, int64_t end)>;

// Calls `body` on disjoint ranges that cover [0, count), from several threads at once. `cost` is about the number of
// processor cycles an item takes. Where the ranges begin and end depends on the number of threads: results must not.
using Parallel = std::function<void(int64_t count, int64_t cost, const Range& body)>;

// Sums over items in an order that no number of threads changes: [0, count) is cut into blocks by `count` alone, each
// block adds into a vector of its own, and the vectors are added in order.
//
// `add(begin, end, sums)` adds the items of a block to `sums`, which has `width` elements; `out` receives the totals.
template <typename Add>
void sumInBlocks(const Parallel& parallel, int64_t count, int64_t cost, int64_t width, float* out, const Add& add) {
  constexpr int64_t kMostBlocks = 32;
  const int64_t blocks = std::max<int64_t>(1, std::min(kMostBlocks, count));
  std::vector<float> sums(static_cast<size_t>(blocks * width), 0.0f);
  parallel(blocks, cost * (count / blocks + 1), [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block)
      add(count * block / blocks, count * (block + 1) / blocks, sums.data() + block * width);
  });
  std::fill(out, out + width, 0.0f);
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t i = 0; i < width; ++i) out[i] += sums[static_cast<size_t>(block * width + i)];
}

}  // namespace stf
