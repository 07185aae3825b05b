// Depthwise convolutions of images [images, height, width, channels]: every channel has a kernel [K, K] of its own, and
// what is read beyond the borders is zero (TensorFlow's padding `same`). A shift for each channel and ReLU6 (Krizhevsky,
// 2010) after it are part of the pass.
#pragma once

#include <type_traits>

#include "parallel.h"
#include "product.h"
#include "relu6.h"

namespace stf {

struct DepthwiseShape {
  int64_t images;
  int64_t height;
  int64_t width;
  int64_t channels;
  int64_t kernel;
  int64_t stride;
  // Whether ReLU6 follows.
  bool clipped;

  static bool isKnown(int64_t kernel, int64_t stride) {
    return (kernel == 3 || kernel == 5 || kernel == 7) && (stride == 1 || stride == 2);
  }
  int64_t outHeight() const { return (height + stride - 1) / stride; }
  int64_t outWidth() const { return (width + stride - 1) / stride; }
  // Zeros before the first row and the first column; where their sum is odd, the greater half is behind.
  int64_t above() const { return ((outHeight() - 1) * stride + kernel - height) / 2; }
  int64_t left() const { return ((outWidth() - 1) * stride + kernel - width) / 2; }
  int64_t taps() const { return kernel * kernel; }
  int64_t imageSize() const { return height * width * channels; }
  int64_t outSize() const { return outHeight() * outWidth() * channels; }
};

// Channels are treated in vectors, a vector of all pixels of some rows after the other: its sums stay in registers and
// its rows in a near cache. Rows are copied there, with zeros beyond their borders and in place of missing channels; a
// few vectors are copied together, because memory is read and written fastest in order.
#ifdef __AVX512F__
typedef Lanes16 ChannelLanes;
constexpr int kRegisters = 32;
#else
typedef Lanes8 ChannelLanes;
constexpr int kRegisters = 16;
#endif
constexpr int64_t kChannelLanes = sizeof(ChannelLanes) / sizeof(float);

// Room for vectors, at first zero. No vector lies across two lines of the cache.
class LaneRoom {
 public:
  explicit LaneRoom(int64_t vectors) : values_(static_cast<size_t>((vectors + 1) * kChannelLanes), 0.0f) {
    constexpr uintptr_t kBytes = sizeof(ChannelLanes);
    next_ = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(values_.data()) + kBytes - 1) / kBytes * kBytes);
  }
  // The next so many vectors of it.
  float* take(int64_t vectors) {
    float* const taken = next_;
    next_ += vectors * kChannelLanes;
    return taken;
  }

 private:
  std::vector<float> values_;
  float* next_;
};

// Neighbouring channels that are treated together.
struct ChannelGroup {
  static constexpr int64_t kMostChannels = 256;
  int64_t first;
  int64_t channels;

  // The vectors of the largest group.
  static int64_t mostVectors(int64_t channels) { return (vectorsOf(channels) + count(channels) - 1) / count(channels); }
  // Calls `body` on groups of about the same size that cover all channels.
  template <typename Body>
  static void each(int64_t channels, const Body& body) {
    const int64_t step = mostVectors(channels) * kChannelLanes;
    for (int64_t first = 0; first < channels; first += step)
      body(ChannelGroup{first, std::min(step, channels - first)});
  }

  int64_t vectors() const { return vectorsOf(channels); }
  // Calls `body(v, lanes)` for every vector, of which the last may have less lanes than the others.
  template <typename Body>
  STF_INLINE void eachVector(const Body& body) const {
    const int64_t full = channels / kChannelLanes;
    for (int64_t v = 0; v < full; ++v) body(v, std::integral_constant<int64_t, kChannelLanes>());
    if (full * kChannelLanes < channels) body(full, channels - full * kChannelLanes);
  }

 private:
  static int64_t vectorsOf(int64_t channels) { return (channels + kChannelLanes - 1) / kChannelLanes; }
  static int64_t count(int64_t channels) { return (channels + kMostChannels - 1) / kMostChannels; }
};

// Up to a vector of channels of one pixel.
template <typename Lanes>
STF_INLINE ChannelLanes loadChannels(const float* from, Lanes lanes) {
  if constexpr (!std::is_same_v<Lanes, int64_t>) return load<ChannelLanes>(from);
  ChannelLanes vector = {};
  for (int64_t c = 0; c < lanes; ++c) vector[c] = from[c];
  return vector;
}

template <typename Lanes>
STF_INLINE void storeChannels(float* to, Lanes lanes, const ChannelLanes& vector) {
  if constexpr (!std::is_same_v<Lanes, int64_t>) return store(to, vector);
  for (int64_t c = 0; c < lanes; ++c) to[c] = vector[c];
}

// How the rows of the result are cut into bands, whose rows and those that they read lie in the cache together.
template <int K, int S>
struct DepthwiseBands {
  static constexpr int64_t kBytes = 128 * 1024;
  // What a row of the kernel reaches beyond its first column, in columns of the result.
  static constexpr int64_t kReach = (K - 1) / S;
  const DepthwiseShape& shape;
  // Vectors of a row that is read, with its borders.
  int64_t rowVectors = S * (shape.outWidth() + kReach);
  // Rows of the result in a band, and rows that they read.
  int64_t rows = rowsIn(kBytes / (ChannelGroup::mostVectors(shape.channels) * rowVectors * sizeof(ChannelLanes)));
  int64_t readRows = (rows - 1) * S + K;

 private:
  int64_t rowsIn(int64_t readRows) const {
    return std::max<int64_t>(1, std::min(shape.outHeight(), (readRows - K) / S + 1));
  }
};

// The rows of an image that a band reads, with their borders, each vector of channels by itself. Rows are counted from
// the first row of zeros above; a row takes the place of the one `readRows` above it.
template <int K, int S>
class RowWindow {
 public:
  // An odd number of vectors, so that rows of neighbouring vectors share no places in the cache.
  static int64_t vectorsOf(const DepthwiseBands<K, S>& bands) { return (bands.readRows * bands.rowVectors) | 1; }
  static int64_t roomFor(const DepthwiseBands<K, S>& bands) {
    return ChannelGroup::mostVectors(bands.shape.channels) * vectorsOf(bands);
  }

  RowWindow(const DepthwiseBands<K, S>& bands, LaneRoom& room)
      : bands_(bands), shape_(bands.shape), room_(room.take(roomFor(bands))), plane_(vectorsOf(bands) * kChannelLanes) {}

  float* row(int64_t v, int64_t r) const {
    return room_ + v * plane_ + r % bands_.readRows * bands_.rowVectors * kChannelLanes;
  }

  // Takes a row of an image, of which `image` is the first number.
  void read(int64_t r, const float* image, const ChannelGroup& group) const {
    if (!isInside(r)) return clear(r, group);
    const float* from = image + (r - shape_.above()) * shape_.width * shape_.channels + group.first;
    float* to = row(0, r) + shape_.left() * kChannelLanes;
    for (int64_t i = 0; i < shape_.width; ++i)
      group.eachVector([&](int64_t v, auto lanes) {
        store(to + v * plane_ + i * kChannelLanes,
              loadChannels(from + i * shape_.channels + v * kChannelLanes, lanes));
      });
  }

  // Writes a row into an image, and clears it for the row that takes its place.
  void write(int64_t r, float* image, const ChannelGroup& group) const {
    if (isInside(r)) {
      float* to = image + (r - shape_.above()) * shape_.width * shape_.channels + group.first;
      const float* from = row(0, r) + shape_.left() * kChannelLanes;
      for (int64_t i = 0; i < shape_.width; ++i)
        group.eachVector([&](int64_t v, auto lanes) {
          storeChannels(to + i * shape_.channels + v * kChannelLanes, lanes,
                        load<ChannelLanes>(from + v * plane_ + i * kChannelLanes));
        });
    }
    clear(r, group);
  }

 private:
  bool isInside(int64_t r) const { return r >= shape_.above() && r < shape_.above() + shape_.height; }
  void clear(int64_t r, const ChannelGroup& group) const {
    for (int64_t v = 0; v < group.vectors(); ++v)
      std::fill(row(v, r), row(v, r) + bands_.rowVectors * kChannelLanes, 0.0f);
  }

  const DepthwiseBands<K, S>& bands_;
  const DepthwiseShape& shape_;
  float* const room_;
  const int64_t plane_;
};

// y: [images, outHeight, outWidth, channels]; kernel: [K, K, channels]; shift: [channels].
template <int K, int S>
void depthwiseOf(const Parallel& parallel, const DepthwiseShape& shape, const float* x, const float* kernel,
                 const float* shift, float* y) {
  constexpr int64_t L = kChannelLanes;
  const int64_t channels = shape.channels, outWidth = shape.outWidth(), outHeight = shape.outHeight();
  const DepthwiseBands<K, S> bands{shape};
  parallel(shape.images, shape.outSize() * K * K / 8, [&](int64_t firstImage, int64_t lastImage) {
    LaneRoom room(RowWindow<K, S>::roomFor(bands));
    const RowWindow<K, S> window(bands, room);
    for (int64_t image = firstImage; image < lastImage; ++image)
      ChannelGroup::each(channels, [&](const ChannelGroup& group) {
        const float* in = x + image * shape.imageSize();
        float* out = y + image * shape.outSize() + group.first;
        for (int64_t begin = 0, read = 0; begin < outHeight; begin += bands.rows) {
          const int64_t end = std::min(outHeight, begin + bands.rows);
          for (; read < (end - 1) * S + K; ++read) window.read(read, in, group);
          group.eachVector([&](int64_t v, auto lanes) {
            ChannelLanes weights[K * K];
            for (int tap = 0; tap < K * K; ++tap)
              weights[tap] = loadChannels(kernel + tap * channels + group.first + v * L, lanes);
            const ChannelLanes base = loadChannels(shift + group.first + v * L, lanes);
            for (int64_t oy = begin; oy < end; ++oy) {
              const float* rows[K];
              for (int ky = 0; ky < K; ++ky) rows[ky] = window.row(v, oy * S + ky);
              for (int64_t ox = 0; ox < outWidth; ++ox) {
                ChannelLanes sum = base;
                for (int ky = 0; ky < K; ++ky)
                  for (int kx = 0; kx < K; ++kx)
                    sum += weights[ky * K + kx] * load<ChannelLanes>(rows[ky] + (ox * S + kx) * L);
                storeChannels(out + (oy * outWidth + ox) * channels + v * L, lanes, shape.clipped ? clip6(sum) : sum);
              }
            }
          });
        }
      });
  });
}

// sums[tap] += Σ d ⊙ what the tap reads, over one row of the result. Sums of a row are summed by themselves, so that
// rounding does not grow with the number of pixels.
template <int K, int S>
inline void addToKernel(int64_t outWidth, const float* const (&rows)[K], const float* d, float* sums) {
  constexpr int64_t L = kChannelLanes;
  // Rows of the kernel whose sums fit into the registers at once.
  constexpr int kRows = K * K + 4 <= kRegisters ? K : 1;
  for (int first = 0; first < K; first += kRows) {
    ChannelLanes along[kRows][K] = {};
    for (int64_t ox = 0; ox < outWidth; ++ox) {
      const ChannelLanes slope = load<ChannelLanes>(d + ox * L);
      for (int ky = 0; ky < kRows; ++ky)
        for (int kx = 0; kx < K; ++kx)
          along[ky][kx] += slope * load<ChannelLanes>(rows[first + ky] + (ox * S + kx) * L);
    }
    for (int ky = 0; ky < kRows; ++ky)
      for (int kx = 0; kx < K; ++kx) {
        float* sum = sums + ((first + ky) * K + kx) * L;
        store(sum, load<ChannelLanes>(sum) + along[ky][kx]);
      }
  }
}

// row[S·ox + kx] += d[ox]·weights[kx]: what one row of the result says to one that it was read from. d has kReach zeros
// before and behind. Written from the side of `row`, each element of which is then changed once.
template <int K, int S>
inline void addToInput(int64_t outWidth, const float* d, const float* weights, float* row) {
  constexpr int64_t L = kChannelLanes;
  ChannelLanes taps[K];
  for (int kx = 0; kx < K; ++kx) taps[kx] = load<ChannelLanes>(weights + kx * L);
  for (int64_t j = 0; j < outWidth + (K - 1) / S; ++j)
    for (int e = 0; e < S; ++e) {
      ChannelLanes sum = load<ChannelLanes>(row + (j * S + e) * L);
      for (int kx = e; kx < K; kx += S) sum += taps[kx] * load<ChannelLanes>(d + (j - kx / S) * L);
      store(row + (j * S + e) * L, sum);
    }
}

// The gradient of some images, a thread's part of them: room for what lies in the cache, and how it is used.
template <int K, int S>
class DepthwiseBackward {
 public:
  explicit DepthwiseBackward(const DepthwiseBands<K, S>& bands)
      : bands_(bands),
        shape_(bands.shape),
        vectors_(ChannelGroup::mostVectors(shape_.channels)),
        slopeRow_(shape_.outWidth() + 2 * kReach),
        slopePlane_((bands.rows * slopeRow_) | 1),
        room_(2 * RowWindow<K, S>::roomFor(bands) + vectors_ * (slopePlane_ + 2 * K * K + 1)),
        read_(bands, room_),
        written_(bands, room_),
        slopes_(room_.take(vectors_ * slopePlane_)),
        weights_(room_.take(vectors_ * K * K)),
        sums_(room_.take(vectors_ * (K * K + 1))) {}

  // One group of channels of one image. totals: [K·K + 1, channels], the last dShift.
  void run(const ChannelGroup& group, const float* dy, const float* y, const float* x, const float* kernel, float* dx,
           float* totals) const {
    const int64_t outHeight = shape_.outHeight(), channels = shape_.channels;
    group.eachVector([&](int64_t v, auto lanes) {
      for (int tap = 0; tap < K * K; ++tap)
        store(weights_ + (v * K * K + tap) * L, loadChannels(kernel + tap * channels + group.first + v * L, lanes));
    });
    std::fill(sums_, sums_ + vectors_ * (K * K + 1) * L, 0.0f);
    for (int64_t begin = 0, next = 0; begin < outHeight; begin += bands_.rows) {
      const int64_t end = std::min(outHeight, begin + bands_.rows);
      for (; next < (end - 1) * S + K; ++next) read_.read(next, x, group);
      for (int64_t oy = begin; oy < end; ++oy) readSlopes(oy, begin, group, dy, y);
      for (int64_t v = 0; v < group.vectors(); ++v)
        for (int64_t oy = begin; oy < end; ++oy) {
          const float* rows[K];
          for (int ky = 0; ky < K; ++ky) rows[ky] = read_.row(v, oy * S + ky);
          const float* d = slopes(v, oy - begin);
          addToKernel<K, S>(shape_.outWidth(), rows, d, sums_ + v * (K * K + 1) * L);
          for (int ky = 0; ky < K; ++ky)
            addToInput<K, S>(shape_.outWidth(), d, weights_ + (v * K + ky) * K * L, written_.row(v, oy * S + ky));
        }
      // The last band leaves nobody who would still add to a row.
      const int64_t ready = end < outHeight ? end * S : (end - 1) * S + K;
      for (int64_t r = begin * S; r < ready; ++r) written_.write(r, dx, group);
    }
    group.eachVector([&](int64_t v, int64_t lanes) {
      for (int tap = 0; tap < K * K + 1; ++tap)
        for (int64_t lane = 0; lane < lanes; ++lane)
          totals[tap * channels + group.first + v * L + lane] += sums_[(v * (K * K + 1) + tap) * L + lane];
    });
  }

 private:
  static constexpr int64_t L = kChannelLanes;
  static constexpr int64_t kReach = DepthwiseBands<K, S>::kReach;

  // A row of a band's slopes, behind its zeros.
  float* slopes(int64_t v, int64_t row) const { return slopes_ + (v * slopePlane_ + row * slopeRow_ + kReach) * L; }

  // dy, or what ReLU6 lets through of it, and its sum over the row.
  void readSlopes(int64_t oy, int64_t begin, const ChannelGroup& group, const float* dy, const float* y) const {
    float* const to = slopes(0, oy - begin);
    ChannelLanes along[kMostVectors] = {};
    for (int64_t ox = 0; ox < shape_.outWidth(); ++ox) {
      const int64_t at = (oy * shape_.outWidth() + ox) * shape_.channels + group.first;
      group.eachVector([&](int64_t v, auto lanes) {
        ChannelLanes slope = loadChannels(dy + at + v * L, lanes);
        if (shape_.clipped) slope = slope * slope6(loadChannels(y + at + v * L, lanes));
        along[v] += slope;
        store(to + (v * slopePlane_ + ox) * L, slope);
      });
    }
    for (int64_t v = 0; v < group.vectors(); ++v) {
      float* sum = sums_ + (v * (K * K + 1) + K * K) * L;
      store(sum, load<ChannelLanes>(sum) + along[v]);
    }
  }

  static constexpr int64_t kMostVectors = ChannelGroup::kMostChannels / kChannelLanes;
  const DepthwiseBands<K, S>& bands_;
  const DepthwiseShape& shape_;
  const int64_t vectors_;
  const int64_t slopeRow_;
  const int64_t slopePlane_;
  LaneRoom room_;
  const RowWindow<K, S> read_;
  const RowWindow<K, S> written_;
  float* const slopes_;
  float* const weights_;
  float* const sums_;
};

template <int K, int S>
void depthwiseGradientOf(const Parallel& parallel, const DepthwiseShape& shape, const float* dy, const float* y,
                         const float* x, const float* kernel, float* dx, float* dParameters) {
  const DepthwiseBands<K, S> bands{shape};
  const auto add = [&](int64_t firstImage, int64_t lastImage, float* totals) {
    const DepthwiseBackward<K, S> backward(bands);
    for (int64_t image = firstImage; image < lastImage; ++image) {
      const int64_t in = image * shape.imageSize(), out = image * shape.outSize();
      ChannelGroup::each(shape.channels, [&](const ChannelGroup& group) {
        backward.run(group, dy + out, y + out, x + in, kernel, dx + in, totals);
      });
    }
  };
  sumInBlocks(parallel, shape.images, shape.outSize() * K * K / 4, (K * K + 1) * shape.channels, dParameters, add);
}

// Calls `body` with the edge of the kernel and the stride as constants.
template <typename Body>
void withDepthwiseSizes(const DepthwiseShape& shape, const Body& body) {
  const auto strided = [&](auto kernel) {
    if (shape.stride == 1) body(kernel, std::integral_constant<int, 1>());
    if (shape.stride == 2) body(kernel, std::integral_constant<int, 2>());
  };
  if (shape.kernel == 3) strided(std::integral_constant<int, 3>());
  if (shape.kernel == 5) strided(std::integral_constant<int, 5>());
  if (shape.kernel == 7) strided(std::integral_constant<int, 7>());
}

// y = x ∗ kernel + shift, clipped to 0…6 if the shape says so. kernel: [K, K, channels].
inline void depthwise(const Parallel& parallel, const DepthwiseShape& shape, const float* x, const float* kernel,
                      const float* shift, float* y) {
  if (shape.images * shape.imageSize() == 0) return;
  withDepthwiseSizes(shape, [&](auto size, auto stride) {
    depthwiseOf<size(), stride()>(parallel, shape, x, kernel, shift, y);
  });
}

// dx may be dy. dParameters: [K·K + 1, channels], the kernel's gradient and the shift's. y is read if it was clipped.
inline void depthwiseGradient(const Parallel& parallel, const DepthwiseShape& shape, const float* dy, const float* y,
                              const float* x, const float* kernel, float* dx, float* dParameters) {
  std::fill(dParameters, dParameters + (shape.taps() + 1) * shape.channels, 0.0f);
  if (shape.images * shape.imageSize() == 0) return;
  withDepthwiseSizes(shape, [&](auto size, auto stride) {
    depthwiseGradientOf<size(), stride()>(parallel, shape, dy, y, x, kernel, dx, dParameters);
  });
}

}  // namespace stf
