#pragma once

#include "../../../../model/kernels/batchNorm.h"
#include "../../../../model/kernels/globalResponseNorm.h"
#include "../../../../model/kernels/layerNorm.h"
#include "../../../../model/kernels/rmsNorm.h"
#include "hostile.h"

inline const hostile::Registered rowNormCheck{"layerNorm and rmsNorm", [] {
  for (const bool wild : {false, true})
    for (const int64_t rows : {0, 1, 3, 31, 33, 100})
      for (const int64_t width : {0, 1, 3, 17, 64}) {
        const int64_t size = rows * width;
        const auto x = hostile::operand(size, wild, 1), dy = hostile::operand(size, wild, 2);
        const auto gamma = hostile::operand(width, wild, 3), beta = hostile::operand(width, wild, 4);
        hostile::expectThreadsDoNotMatter(
            "layerNorm", {size, rows, rows, size, 2 * width}, [&](const stf::Parallel& parallel, const auto& out) {
              stf::layerNorm(parallel, rows, width, 1e-6f, x.data(), gamma.data(), beta.data(), out[0].data(),
                             out[1].data(), out[2].data());
              std::copy(dy.data(), dy.data() + size, out[3].data());
              stf::layerNormGradient(parallel, rows, width, out[3].data(), x.data(), gamma.data(), out[1].data(),
                                     out[2].data(), out[3].data(), out[4].data());
            });
        hostile::expectThreadsDoNotMatter(
            "rmsNorm", {size, rows, size, width}, [&](const stf::Parallel& parallel, const auto& out) {
              stf::rmsNorm(parallel, rows, width, 1e-5f, x.data(), gamma.data(), out[0].data(), out[1].data());
              std::copy(dy.data(), dy.data() + size, out[2].data());
              stf::rmsNormGradient(parallel, rows, width, out[2].data(), x.data(), gamma.data(), out[1].data(),
                                   out[2].data(), out[3].data());
            });
      }
}};

inline const hostile::Registered batchNormCheck{"batchNorm", [] {
  for (const bool wild : {false, true})
    for (const bool clipped : {false, true})
      for (const int64_t rows : {0, 1, 3, 31, 33, 100})
        for (const int64_t width : {0, 1, 3, 17, 64}) {
          const int64_t size = rows * width;
          const auto x = hostile::operand(size, wild, 1), dy = hostile::operand(size, wild, 2);
          const auto gamma = hostile::operand(width, wild, 3), beta = hostile::operand(width, wild, 4);
          hostile::expectThreadsDoNotMatter(
              "batchNorm", {size, width, width, width, size, 2 * width},
              [&](const stf::Parallel& parallel, const auto& out) {
                stf::batchNorm(parallel, rows, width, 1e-3f, clipped, x.data(), gamma.data(), beta.data(),
                               out[0].data(), out[1].data(), out[2].data(), out[3].data());
                std::copy(dy.data(), dy.data() + size, out[4].data());
                stf::batchNormGradient(parallel, rows, width, clipped, out[4].data(), x.data(), gamma.data(),
                                       beta.data(), out[1].data(), out[3].data(), out[4].data(), out[5].data());
              });
        }
}};

inline const hostile::Registered globalResponseNormCheck{"globalResponseNorm", [] {
  for (const bool wild : {false, true})
    for (const int64_t images : {0, 1, 2, 7})
      for (const int64_t positions : {0, 1, 31, 32, 65})
        for (const int64_t width : {0, 1, 3, 17}) {
          const stf::GlobalResponseShape shape{images, positions, width, 1e-12f, 1e-6f};
          const int64_t size = images * positions * width;
          const auto x = hostile::operand(size, wild, 1), dy = hostile::operand(size, wild, 2);
          const auto gamma = hostile::operand(width, wild, 3), beta = hostile::operand(width, wild, 4);
          hostile::expectThreadsDoNotMatter(
              "globalResponseNorm", {size, images * width, size, 2 * width},
              [&](const stf::Parallel& parallel, const auto& out) {
                stf::globalResponseNorm(parallel, shape, x.data(), gamma.data(), beta.data(), out[0].data(),
                                        out[1].data());
                std::copy(dy.data(), dy.data() + size, out[2].data());
                stf::globalResponseNormGradient(parallel, shape, out[2].data(), x.data(), gamma.data(), out[1].data(),
                                                out[2].data(), out[3].data());
              });
        }
}};
