#pragma once

#include "../../../../model/kernels/activation.h"
#include "hostile.h"

template <typename Function>
void checkActivation(const std::string& name) {
  for (const bool wild : {false, true})
    for (const int64_t size : {0, 1, 3, 17, 4095, 4096, 4097, 9001}) {
      const auto x = hostile::operand(size, wild, 1), dy = hostile::operand(size, wild, 2);
      hostile::expectThreadsDoNotMatter(name, {size, size, size}, [&](const stf::Parallel& parallel, const auto& out) {
        stf::elementwise<Function>(parallel, size, x.data(), out[0].data());
        stf::elementwiseGradient<Function>(parallel, size, dy.data(), x.data(), out[1].data());
        std::copy(dy.data(), dy.data() + size, out[2].data());
        stf::elementwiseGradient<Function>(parallel, size, out[2].data(), x.data(), out[2].data());
        hostile::expectSame(out[2], out[1], name + " in place");
      });
    }
}

inline const hostile::Registered activationCheck{"activation", [] {
  checkActivation<stf::Gelu>("gelu");
  checkActivation<stf::Silu>("silu");
  checkActivation<stf::Softplus>("softplus");
}};
