// Slender kernels whose taps slide sideways (after Dynamic Snake Convolution, Qi et al., 2023): taps are read from
// feature maps by linear interpolation and contracted with the kernel, block by block in the cache. The values of the
// taps, taps times as large as the maps, never exist as a whole.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "parallel.h"
#include "product.h"

namespace stf {

// Along which axis the taps of a kernel lie.
enum class ContourAxis : int64_t {
  kWidth = 0,   // they slide along the height
  kHeight = 1,  // they slide along the width
  kTime = 2,    // they slide along the height, then what that gave along the width
  kStraightTime = 3,  // they stay where they are
};

struct ContourShape {
  ContourAxis axis;
  int64_t images;
  // Neighbouring images that belong together; taps along time stay inside.
  int64_t run;
  int64_t height;
  int64_t width;
  int64_t taps;
  int64_t channels;
  int64_t outputs;

  int64_t reach() const { return (taps - 1) / 2; }
  int64_t pixels() const { return height * width; }
  int64_t depth() const { return taps * channels; }
  bool throughTime() const { return axis == ContourAxis::kTime || axis == ContourAxis::kStraightTime; }
  // Readings by interpolation that lead to a tap's value.
  int64_t passes() const { return axis == ContourAxis::kTime ? 2 : axis == ContourAxis::kStraightTime ? 0 : 1; }
  static int64_t clip(int64_t index, int64_t length) { return std::min(std::max<int64_t>(index, 0), length - 1); }

  // The image that a tap of an image reads.
  int64_t source(int64_t image, int64_t tap) const {
    if (!throughTime()) return image;
    const int64_t step = image % run;
    return image - step + clip(step + tap - reach(), run);
  }

  // Rows of an image that are treated together: enough positions to fill the registers of a product.
  int64_t blockRows() const {
    constexpr int64_t kPositions = 64;
    return std::min(height, (kPositions + width - 1) / width);
  }
};

// A place between two neighbours of a line.
struct Between {
  int64_t lower;
  float fraction;
  // Derivative of the place by the offset: 0 where it was clipped.
  float inside;
};

// clip(wanted, 0, length − 1) as lower = min(⌊·⌋, length − 2) and a fraction. NaN is at element 0 with a fraction NaN.
inline Between between(float wanted, int64_t length) {
  const float last = static_cast<float>(length - 1);
  const float position = wanted < 0 ? 0 : wanted > last ? last : wanted;
  const int64_t lower = position > 0 ? std::min<int64_t>(static_cast<int32_t>(position), length - 2) : 0;
  const float inside = wanted != wanted ? wanted : position == wanted ? 1.0f : 0.0f;
  return {lower, position - static_cast<float>(lower), inside};
}

// Channels come in small multiples of 8: loops over them are written in vectors of 8, with single ones for the rest.
template <typename Vector, int64_t kLanes>
STF_INLINE int64_t interpolateLanes(int64_t c, int64_t channels, const float* below, const float* next, float fraction,
                                float* out) {
  for (; c + kLanes <= channels; c += kLanes) {
    const Vector start = load<Vector>(below + c);
    store(out + c, start + (load<Vector>(next + c) - start) * fraction);
  }
  return c;
}

inline void interpolate(int64_t channels, const float* below, const float* next, float fraction, float* out) {
  const int64_t rest = interpolateLanes<Lanes8, 8>(0, channels, below, next, fraction, out);
  interpolateLanes<float, 1>(rest, channels, below, next, fraction, out);
}

template <typename Vector, int64_t kLanes>
STF_INLINE Vector interpolateGradientLanes(int64_t* c, int64_t channels, const float* dy, const float* below,
                                       const float* next, float fraction, float* dBelow, float* dNext) {
  Vector slope{};
  for (; *c + kLanes <= channels; *c += kLanes) {
    const Vector d = load<Vector>(dy + *c);
    slope += d * (load<Vector>(next + *c) - load<Vector>(below + *c));
    const Vector above = d * fraction;
    store(dBelow + *c, load<Vector>(dBelow + *c) + (d - above));
    store(dNext + *c, load<Vector>(dNext + *c) + above);
  }
  return slope;
}

// Adds to the gradients of both neighbours; returns the derivative by the place, dy·(next − below), which at whole
// places is the difference to the next element.
inline float interpolateGradient(int64_t channels, const float* dy, const float* below, const float* next,
                                 float fraction, float* dBelow, float* dNext) {
  int64_t c = 0;
  const Lanes8 sums = interpolateGradientLanes<Lanes8, 8>(&c, channels, dy, below, next, fraction, dBelow, dNext);
  const float rest = interpolateGradientLanes<float, 1>(&c, channels, dy, below, next, fraction, dBelow, dNext);
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + rest;
}

// Where the first pass of a tap reads: a row of the table, the distance of its neighbour, the place between both.
struct Reading {
  int64_t row;
  int64_t stride;
  Between place;
};

inline Reading readingOf(const ContourShape& s, int64_t source, int64_t h, int64_t w, int64_t tap, float offset) {
  const int64_t shift = tap - s.reach();
  if (s.axis == ContourAxis::kHeight) {
    const Between place = between(static_cast<float>(w) + offset, s.width);
    return {(source * s.height + s.clip(h + shift, s.height)) * s.width + place.lower, 1, place};
  }
  const Between place = between(static_cast<float>(h) + offset, s.height);
  const int64_t column = s.axis == ContourAxis::kWidth ? s.clip(w + shift, s.width) : w;
  return {(source * s.height + place.lower) * s.width + column, s.width, place};
}

// Taps [first, last) of the positions of row h of an image: values [W, last − first, C]. `found` receives what the first
// of two passes gives, in the same shape.
inline void readTaps(const ContourShape& s, int64_t image, int64_t h, int64_t first, int64_t last, const float* table,
                     const float* const* offsets, float* found, float* values) {
  const int64_t channels = s.channels;
  const int64_t line = (image * s.height + h) * s.width;
  const int64_t step = (last - first) * channels;
  const bool twice = s.passes() == 2;
  float* out = twice ? found : values;
  for (int64_t w = 0; w < s.width; ++w)
    for (int64_t tap = first; tap < last; ++tap, out += channels) {
      const Reading at = readingOf(s, s.source(image, tap), h, w, tap, offsets[0][(line + w) * s.taps + tap]);
      const float* below = table + at.row * channels;
      interpolate(channels, below, below + at.stride * channels, at.place.fraction, out);
    }
  if (!twice) return;
  for (int64_t w = 0; w < s.width; ++w)
    for (int64_t tap = first; tap < last; ++tap, values += channels) {
      const Between place = between(static_cast<float>(w) + offsets[1][(line + w) * s.taps + tap], s.width);
      const float* below = found + place.lower * step + (tap - first) * channels;
      interpolate(channels, below, below + step, place.fraction, values);
    }
}

// The gradients of readTaps. dFound is room for W·(last − first)·C numbers.
inline void readTapsGradient(const ContourShape& s, int64_t image, int64_t h, int64_t first, int64_t last,
                             const float* table, const float* const* offsets, const float* found, const float* dValues,
                             float* dFound, float* dTable, float* const* dOffsets) {
  const int64_t channels = s.channels;
  const int64_t line = (image * s.height + h) * s.width;
  const int64_t step = (last - first) * channels;
  if (s.passes() == 2) {
    std::fill(dFound, dFound + s.width * step, 0.0f);
    const float* dy = dValues;
    for (int64_t w = 0; w < s.width; ++w)
      for (int64_t tap = first; tap < last; ++tap, dy += channels) {
        const int64_t sample = (line + w) * s.taps + tap;
        const Between place = between(static_cast<float>(w) + offsets[1][sample], s.width);
        const int64_t below = place.lower * step + (tap - first) * channels;
        dOffsets[1][sample] = place.inside * interpolateGradient(channels, dy, found + below, found + below + step,
                                                                 place.fraction, dFound + below, dFound + below + step);
      }
    dValues = dFound;
  }
  for (int64_t w = 0; w < s.width; ++w)
    for (int64_t tap = first; tap < last; ++tap, dValues += channels) {
      const int64_t sample = (line + w) * s.taps + tap;
      const Reading at = readingOf(s, s.source(image, tap), h, w, tap, offsets[0][sample]);
      const int64_t below = at.row * channels;
      const int64_t next = below + at.stride * channels;
      dOffsets[0][sample] = at.place.inside * interpolateGradient(channels, dValues, table + below, table + next,
                                                                  at.place.fraction, dTable + below, dTable + next);
    }
}

// y[images·H·W, outputs] from table [images·H·W, C], kernel [taps·C, outputs] and offsets [images, H, W, taps] of each
// pass, in elements of a line. Lines have at least two elements.
inline void contour(const Parallel& parallel, const ContourShape& s, const float* table, const float* kernel,
                    const float* const* offsets, float* y) {
  const int64_t rows = s.blockRows();
  const int64_t blocks = (s.height + rows - 1) / rows;
  const int64_t cost = rows * s.width * s.depth() * (4 + s.outputs / 8);
  const bool straight = s.passes() == 0;
  parallel(s.images * blocks, cost, [&](int64_t begin, int64_t end) {
    std::vector<float> values(static_cast<size_t>(straight ? 0 : rows * s.width * s.depth()));
    std::vector<float> found(static_cast<size_t>(s.passes() == 2 ? s.width * s.depth() : 0));
    for (int64_t block = begin; block < end; ++block) {
      const int64_t image = block / blocks;
      const int64_t top = block % blocks * rows;
      const int64_t bottom = std::min(top + rows, s.height);
      const int64_t positions = (bottom - top) * s.width;
      float* out = y + (image * s.height + top) * s.width * s.outputs;
      std::fill(out, out + positions * s.outputs, 0.0f);
      if (straight) {
        for (int64_t tap = 0; tap < s.taps; ++tap) {
          const float* in = table + (s.source(image, tap) * s.height + top) * s.width * s.channels;
          addProduct(positions, s.channels, s.outputs, {in, s.channels, 1}, kernel + tap * s.channels * s.outputs,
                     s.outputs, out, s.outputs);
        }
        continue;
      }
      for (int64_t h = top; h < bottom; ++h)
        readTaps(s, image, h, 0, s.taps, table, offsets, found.data(),
                 values.data() + (h - top) * s.width * s.depth());
      addProduct(positions, s.depth(), s.outputs, {values.data(), s.depth(), 1}, kernel, s.outputs, out, s.outputs);
    }
  });
}

// Gradients of `contour`. Whoever owns an image of the table handles every tap that reads it, so nothing is added to one
// place by two threads, and the order of all sums is fixed by the shape.
inline void contourGradient(const Parallel& parallel, const ContourShape& s, const float* dy, const float* table,
                            const float* kernel, const float* const* offsets, float* dTable, float* dKernel,
                            float* const* dOffsets) {
  const int64_t rows = s.blockRows();
  const bool straight = s.passes() == 0;
  const int64_t block = straight ? 0 : rows * s.width * s.depth();
  std::vector<float> turned(static_cast<size_t>(s.depth() * s.outputs));
  for (int64_t i = 0; i < s.depth(); ++i)
    for (int64_t o = 0; o < s.outputs; ++o) turned[static_cast<size_t>(o * s.depth() + i)] = kernel[i * s.outputs + o];
  const int64_t cost = s.pixels() * s.depth() * (10 + s.outputs / 4);

  sumInBlocks(parallel, s.images, cost, s.depth() * s.outputs, dKernel, [&](int64_t begin, int64_t end, float* sums) {
    std::vector<float> values(static_cast<size_t>(block));
    std::vector<float> dValues(static_cast<size_t>(block));
    std::vector<float> found(static_cast<size_t>(s.passes() == 2 ? s.width * s.depth() : 0));
    std::vector<float> dFound(found.size());

    // Taps [first, last) of an image, which read the map `owned` as it is.
    const auto addStraightTaps = [&](int64_t owned, int64_t image, int64_t first, int64_t last) {
      for (int64_t top = 0; top < s.height; top += rows) {
        const int64_t positions = (std::min(top + rows, s.height) - top) * s.width;
        const float* d = dy + (image * s.height + top) * s.width * s.outputs;
        const int64_t at = (owned * s.height + top) * s.width * s.channels;
        for (int64_t tap = first; tap < last; ++tap) {
          addProduct(positions, s.outputs, s.channels, {d, s.outputs, 1}, turned.data() + tap * s.channels, s.depth(),
                     dTable + at, s.channels);
          addProduct(s.channels, positions, s.outputs, {table + at, 1, s.channels}, d, s.outputs,
                     sums + tap * s.channels * s.outputs, s.outputs);
        }
      }
    };

    // Taps [first, last) of an image.
    const auto addTaps = [&](int64_t image, int64_t first, int64_t last) {
      const int64_t width = (last - first) * s.channels;
      for (int64_t top = 0; top < s.height; top += rows) {
        const int64_t bottom = std::min(top + rows, s.height);
        const int64_t positions = (bottom - top) * s.width;
        const float* d = dy + (image * s.height + top) * s.width * s.outputs;
        std::fill(dValues.begin(), dValues.begin() + positions * width, 0.0f);
        addProduct(positions, s.outputs, width, {d, s.outputs, 1}, turned.data() + first * s.channels, s.depth(),
                   dValues.data(), width);
        for (int64_t h = top; h < bottom; ++h) {
          const int64_t line = (h - top) * s.width * width;
          readTaps(s, image, h, first, last, table, offsets, found.data(), values.data() + line);
          readTapsGradient(s, image, h, first, last, table, offsets, found.data(), dValues.data() + line,
                           dFound.data(), dTable, dOffsets);
        }
        addProduct(width, positions, s.outputs, {values.data(), 1, width}, d, s.outputs,
                   sums + first * s.channels * s.outputs, s.outputs);
      }
    };

    for (int64_t owned = begin; owned < end; ++owned) {
      std::fill(dTable + owned * s.pixels() * s.channels, dTable + (owned + 1) * s.pixels() * s.channels, 0.0f);
      const bool alone = !s.throughTime();
      const int64_t start = alone ? owned : owned - owned % s.run;
      for (int64_t image = start; image < (alone ? owned + 1 : start + s.run); ++image) {
        int64_t first = 0;
        while (first < s.taps && s.source(image, first) != owned) ++first;
        int64_t last = first;
        while (last < s.taps && s.source(image, last) == owned) ++last;
        if (first == last) continue;
        if (straight) addStraightTaps(owned, image, first, last);
        else addTaps(image, first, last);
      }
    }
  });
}

}  // namespace stf
