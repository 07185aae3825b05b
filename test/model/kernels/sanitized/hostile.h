// What the checks of all kernels share: threads that cut work in odd pieces, operands of exactly their size, and bad
// numbers among them. A check names itself and is found by main.cc, which includes its header.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "../../../../model/kernels/parallel.h"

namespace hostile {

// Several threads that each take pieces of 1, 2, 3, … items, out of order; no piece is empty.
inline const stf::Parallel threads = [](int64_t count, int64_t, const stf::Range& body) {
  std::vector<std::pair<int64_t, int64_t>> pieces;
  for (int64_t begin = 0, size = 1; begin < count; begin += size++) pieces.push_back({begin, std::min(count, begin + size)});
  constexpr size_t kThreads = 3;
  std::vector<std::thread> workers;
  for (size_t worker = 0; worker < kThreads; ++worker)
    workers.emplace_back([&, worker] {
      for (size_t i = pieces.size(); i-- > 0;)
        if (i % kThreads == worker) body(pieces[i].first, pieces[i].second);
    });
  for (auto& worker : workers) worker.join();
};

// All at once, on the thread that asks.
inline const stf::Parallel alone = [](int64_t count, int64_t, const stf::Range& body) {
  if (count > 0) body(0, count);
};

// An allocation of its own without a byte to spare, so that a step outside is seen. Not a vector: it must not be zeroed.
class Numbers {
 public:
  explicit Numbers(int64_t size) : values_(new float[static_cast<size_t>(size)]), size_(size) {}
  float* data() const { return values_.get(); }
  int64_t size() const { return size_; }

 private:
  std::unique_ptr<float[]> values_;
  int64_t size_;
};

// Operands: ordinary numbers, or with NaN, infinities, the largest, denormal and zero among them.
inline Numbers operand(int64_t size, bool wild, uint32_t seed) {
  using limits = std::numeric_limits<float>;
  const float odd[] = {limits::quiet_NaN(), limits::infinity(), -limits::infinity(), limits::max(), -limits::max(),
                       limits::denorm_min(), 0.0f, -0.0f, 88.7f, -87.4f, limits::lowest() / 3};
  Numbers numbers(size);
  for (int64_t i = 0; i < size; ++i) {
    seed = seed * 1664525u + 1013904223u;  // Numerical Recipes
    const float uniform = static_cast<float>(seed >> 8) / static_cast<float>(1 << 23) - 1.0f;
    numbers.data()[i] = wild && seed % 5 == 0 ? odd[(seed >> 10) % (sizeof odd / sizeof *odd)] : 3.0f * uniform;
  }
  return numbers;
}

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "FAILED: %s\n", what.c_str());
  std::exit(1);
}

// Every number of a result must have been written and be the same bits as in `other`.
inline void expectSame(const Numbers& one, const Numbers& other, const std::string& what) {
  if (one.size() != other.size()) fail(what + ": sizes differ");
  for (int64_t i = 0; i < one.size(); ++i) {
    const float a = one.data()[i], b = other.data()[i];
    if (a != b && !(a != a && b != b)) fail(what + ": element " + std::to_string(i) + " depends on the threads");
  }
}

struct Check {
  std::string name;
  std::function<void()> run;
};

inline std::vector<Check>& checks() {
  static std::vector<Check> all;
  return all;
}

// `inline const hostile::Registered name{"kernel", [] { … }};` adds a check.
struct Registered {
  Registered(const std::string& name, std::function<void()> run) { checks().push_back({name, std::move(run)}); }
};

// Runs `kernel(threads, outputs…)` twice, with many threads and with one, and compares all that it wrote.
inline void expectThreadsDoNotMatter(const std::string& what, const std::vector<int64_t>& sizes,
                                     const std::function<void(const stf::Parallel&, const std::vector<Numbers>&)>& kernel) {
  std::vector<Numbers> many, one;
  for (const int64_t size : sizes) {
    many.emplace_back(size);
    one.emplace_back(size);
    // Unlike each other, so that an element that is left out shows.
    std::fill(many.back().data(), many.back().data() + size, 12345.0f);
    std::fill(one.back().data(), one.back().data() + size, -54321.0f);
  }
  kernel(threads, many);
  kernel(alone, one);
  for (size_t i = 0; i < sizes.size(); ++i) expectSame(many[i], one[i], what + ", output " + std::to_string(i));
}

}  // namespace hostile
