#pragma once

#include "../../../../model/kernels/contour.h"
#include "hostile.h"

inline const hostile::Registered productCheck{"product", [] {
  for (const int64_t rows : {0, 1, 3, 4, 9})
    for (const int64_t depth : {0, 1, 7})
      for (const int64_t columns : {0, 1, 5, 24, 49, 75}) {
        const auto a = hostile::operand(rows * depth, false, 1), b = hostile::operand(depth * columns, false, 2);
        hostile::Numbers straight(rows * columns), turned(rows * columns), at(depth * rows);
        for (int64_t i = 0; i < rows * columns; ++i) straight.data()[i] = turned.data()[i] = 1;
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t k = 0; k < depth; ++k) at.data()[k * rows + i] = a.data()[i * depth + k];
        stf::addProduct(rows, depth, columns, {a.data(), depth, 1}, b.data(), columns, straight.data(), columns);
        stf::addProduct(rows, depth, columns, {at.data(), 1, rows}, b.data(), columns, turned.data(), columns);
        hostile::expectSame(straight, turned, "product");
        for (int64_t i = 0; i < rows * columns; ++i) {
          double want = 1;
          for (int64_t k = 0; k < depth; ++k)
            want += static_cast<double>(a.data()[i / columns * depth + k]) * b.data()[k * columns + i % columns];
          if (!(std::abs(straight.data()[i] - want) < 1e-4)) hostile::fail("product: a wrong element");
        }
      }
}};

inline const hostile::Registered contourCheck{"contour", [] {
  struct Size {
    int64_t runs, run, height, width, taps, channels, outputs;
  };
  const Size sizes[] = {{0, 1, 2, 2, 3, 4, 4},  {1, 1, 2, 2, 1, 1, 1},    {2, 3, 2, 5, 9, 3, 17},
                        {1, 4, 7, 2, 3, 17, 3}, {3, 2, 3, 70, 5, 8, 24},  {1, 2, 4, 4, 3, 0, 5},
                        {1, 2, 4, 4, 3, 5, 0},  {1, 1, 40, 3, 11, 9, 12}, {35, 1, 2, 2, 3, 2, 2}};
  for (const bool wild : {false, true})
    for (const auto axis : {stf::ContourAxis::kWidth, stf::ContourAxis::kHeight, stf::ContourAxis::kTime,
                            stf::ContourAxis::kStraightTime})
      for (const auto& z : sizes) {
        const stf::ContourShape s{axis, z.runs * z.run, z.run, z.height, z.width, z.taps, z.channels, z.outputs};
        const int64_t rows = s.images * s.pixels();
        const auto table = hostile::operand(rows * s.channels, wild, 1);
        const auto kernel = hostile::operand(s.depth() * s.outputs, wild, 2);
        const auto first = hostile::operand(rows * s.taps, wild, 3), second = hostile::operand(rows * s.taps, wild, 4);
        const auto dy = hostile::operand(rows * s.outputs, wild, 5);
        const float* offsets[] = {first.data(), second.data()};
        const int64_t firstSize = s.passes() >= 1 ? rows * s.taps : 0, secondSize = s.passes() == 2 ? rows * s.taps : 0;
        hostile::expectThreadsDoNotMatter(
            "contour", {rows * s.outputs, table.size(), kernel.size(), firstSize, secondSize},
            [&](const stf::Parallel& parallel, const auto& out) {
              stf::contour(parallel, s, table.data(), kernel.data(), offsets, out[0].data());
              float* const dOffsets[] = {out[3].data(), out[4].data()};
              stf::contourGradient(parallel, s, dy.data(), table.data(), kernel.data(), offsets, out[1].data(),
                                   out[2].data(), dOffsets);
            });
      }
}};
