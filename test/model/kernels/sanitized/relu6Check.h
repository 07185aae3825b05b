#pragma once

#include "../../../../model/kernels/relu6.h"
#include "hostile.h"

inline const hostile::Registered relu6Check{"relu6 and its gradient", [] {
  for (const bool wild : {false, true})
    for (const int64_t rows : {0, 1, 3, 31, 33, 1100})
      for (const int64_t width : {0, 1, 3, 17, 64}) {
        const int64_t size = rows * width;
        const auto y = hostile::operand(size, wild, 1), dy = hostile::operand(size, wild, 2);
        const auto shift = hostile::operand(width, wild, 3);
        hostile::expectThreadsDoNotMatter(
            "relu6", {size, width, size, width, size, size}, [&](const stf::Parallel& parallel, const auto& out) {
              stf::relu6Gradient(parallel, rows, width, dy.data(), y.data(), out[0].data(), out[1].data());
              std::copy(dy.data(), dy.data() + size, out[2].data());
              stf::relu6Gradient(parallel, rows, width, out[2].data(), y.data(), out[2].data(), out[3].data());
              stf::shiftedRelu6(parallel, rows, width, dy.data(), shift.data(), out[4].data());
              std::copy(dy.data(), dy.data() + size, out[5].data());
              stf::shiftedRelu6(parallel, rows, width, out[5].data(), shift.data(), out[5].data());
              hostile::expectSame(out[5], out[4], "shiftedRelu6 in place");
              hostile::expectSame(out[2], out[0], "relu6Gradient in place");
              hostile::expectSame(out[3], out[1], "relu6Gradient in place");
            });
      }
}};
