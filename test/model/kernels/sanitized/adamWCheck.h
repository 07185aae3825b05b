#pragma once

#include "../../../../model/kernels/adamW.h"
#include "hostile.h"

inline const hostile::Registered adamWCheck{"adamW", [] {
  const std::vector<std::vector<int64_t>> lists = {{0}, {1}, {17, 0, 3}, {4096, 1, 4097, 9001}};
  for (const bool wild : {false, true})
    for (const float scale : {0.3f, std::numeric_limits<float>::quiet_NaN()})
      for (const auto& list : lists) {
        int64_t size = 0;
        for (const int64_t each : list) size += each;
        const auto g = hostile::operand(size, wild, 1), m = hostile::operand(size, wild, 2);
        const auto v = hostile::operand(size, wild, 3);
        const stf::AdamWFactors with{scale, 1e-3f, 0.99f, 0.1f, 0.001f, 0.9f, 0.999f, 0.1f, 0.001f, 1e-8f};
        std::vector<hostile::Numbers> values;
        for (const int64_t each : list) values.push_back(hostile::operand(each, wild, 4));
        std::vector<int64_t> outputs = {size, size};
        outputs.insert(outputs.end(), list.begin(), list.end());
        hostile::expectThreadsDoNotMatter("adamW", outputs, [&](const stf::Parallel& parallel, const auto& out) {
          std::vector<stf::AdamWParameter> parameters;
          int64_t begin = 0;
          for (size_t i = 0; i < list.size(); ++i) {
            parameters.push_back({values[i].data(), out[i + 2].data(), begin, list[i]});
            begin += list[i];
          }
          // The second moment in place, the first beside.
          std::copy(v.data(), v.data() + size, out[1].data());
          stf::adamW(parallel, with, g.data(), m.data(), out[1].data(), out[0].data(), out[1].data(), parameters);
        });
        hostile::expectThreadsDoNotMatter("squareSum", {1}, [&](const stf::Parallel& parallel, const auto& out) {
          out[0].data()[0] = static_cast<float>(stf::squareSum(parallel, {{g.data(), size}, {m.data(), 0}}) / 1e40);
        });
      }
}};
