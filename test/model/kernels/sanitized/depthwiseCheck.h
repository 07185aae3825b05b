#pragma once

#include "../../../../model/kernels/depthwise.h"
#include "hostile.h"

// One element of the result, read tap by tap.
inline double slowDepthwise(const stf::DepthwiseShape& s, const float* x, const float* kernel, const float* shift,
                            int64_t image, int64_t oy, int64_t ox, int64_t c) {
  double sum = shift[c];
  for (int64_t ky = 0; ky < s.kernel; ++ky)
    for (int64_t kx = 0; kx < s.kernel; ++kx) {
      const int64_t iy = oy * s.stride + ky - s.above(), ix = ox * s.stride + kx - s.left();
      if (iy < 0 || iy >= s.height || ix < 0 || ix >= s.width) continue;
      sum += static_cast<double>(x[((image * s.height + iy) * s.width + ix) * s.channels + c]) *
             kernel[(ky * s.kernel + kx) * s.channels + c];
    }
  return s.clipped ? std::min(std::max(sum, 0.0), 6.0) : sum;
}

inline const hostile::Registered depthwiseCheck{"depthwise", [] {
  struct Size {
    int64_t images, height, width, channels;
  };
  const Size sizes[] = {{0, 3, 3, 4},  {1, 1, 1, 1},   {2, 1, 7, 3},  {3, 6, 1, 17},  {2, 5, 5, 16},
                        {1, 4, 9, 33}, {35, 2, 2, 5}, {2, 3, 4, 0}, {1, 9, 4, 270}, {1, 40, 90, 65}};
  for (const bool wild : {false, true})
    for (const int64_t kernel : {3, 5, 7})
      for (const int64_t stride : {1, 2})
        for (const auto& z : sizes) {
          const bool clipped = (z.channels + kernel) % 2 == 0;
          const stf::DepthwiseShape s{z.images, z.height, z.width, z.channels, kernel, stride, clipped};
          const int64_t in = s.images * s.imageSize(), out = s.images * s.outSize(), taps = s.taps() * s.channels;
          const auto x = hostile::operand(in, wild, 1), dy = hostile::operand(out, wild, 2);
          const auto weights = hostile::operand(taps, wild, 3), shift = hostile::operand(s.channels, wild, 4);
          hostile::expectThreadsDoNotMatter(
              "depthwise", {out, in, taps + s.channels, in, taps + s.channels},
              [&](const stf::Parallel& parallel, const auto& results) {
                stf::depthwise(parallel, s, x.data(), weights.data(), shift.data(), results[0].data());
                const auto gradient = [&](const float* slopes, float* dx, float* dParameters) {
                  stf::depthwiseGradient(parallel, s, slopes, results[0].data(), x.data(), weights.data(), dx,
                                         dParameters);
                };
                gradient(dy.data(), results[1].data(), results[2].data());
                if (stride == 1) std::copy(dy.data(), dy.data() + in, results[3].data());
                gradient(stride == 1 ? results[3].data() : dy.data(), results[3].data(), results[4].data());
                hostile::expectSame(results[3], results[1], "depthwise in place");
                hostile::expectSame(results[4], results[2], "depthwise in place");
                for (int64_t i = 0; i < (wild ? 0 : out); ++i) {
                  const int64_t c = i % s.channels, at = i / s.channels, row = at / s.outWidth();
                  const double want = slowDepthwise(s, x.data(), weights.data(), shift.data(), row / s.outHeight(),
                                                    row % s.outHeight(), at % s.outWidth(), c);
                  if (!(std::abs(results[0].data()[i] - want) < 1e-4)) hostile::fail("depthwise: a wrong element");
                }
              });
        }
}};
