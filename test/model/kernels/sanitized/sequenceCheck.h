#pragma once

#include "../../../../model/kernels/quasiseparable.h"
#include "../../../../model/kernels/selectiveScan.h"
#include "hostile.h"

inline const hostile::Registered selectiveScanCheck{"selectiveScan", [] {
  struct Size {
    int64_t directions, samples, steps, channels, states;
  };
  const Size sizes[] = {{0, 1, 1, 1, 1}, {2, 0, 3, 5, 2},   {1, 1, 1, 1, 1},   {2, 3, 4, 17, 3},
                        {1, 2, 7, 16, 1}, {3, 1, 2, 140, 5}, {2, 2, 65, 33, 2}, {1, 1, 3, 4, 0}};
  for (const bool wild : {false, true})
    for (const auto& z : sizes) {
      const stf::ScanShape s{z.directions, z.samples, z.steps, z.channels, z.states};
      const int64_t signal = s.directions * s.rows() * s.channels, projection = s.directions * s.rows() * s.states;
      const int64_t skips = s.directions * s.channels;
      const auto u = hostile::operand(signal, wild, 1), delta = hostile::operand(signal, wild, 2);
      const auto decay = hostile::operand(skips * s.states, wild, 3), input = hostile::operand(projection, wild, 4);
      const auto output = hostile::operand(projection, wild, 5), skip = hostile::operand(skips, wild, 6);
      const auto dy = hostile::operand(signal, wild, 7);
      const stf::ScanOperands x{u.data(), delta.data(), decay.data(), input.data(), output.data(), skip.data()};
      hostile::expectThreadsDoNotMatter(
          "selectiveScan", {signal, signal, signal, decay.size(), projection, projection, skips},
          [&](const stf::Parallel& parallel, const auto& out) {
            stf::selectiveScan(parallel, s, x, out[0].data());
            stf::selectiveScanGradient(parallel, s, dy.data(), x,
                                       {out[1].data(), out[2].data(), out[3].data(), out[4].data(), out[5].data(),
                                        out[6].data()});
          });
    }
}};

inline const hostile::Registered mixOverTimeCheck{"mixOverTime", [] {
  struct Size {
    int64_t batch, steps, heads, width, states;
  };
  const Size sizes[] = {{0, 3, 2, 4, 2}, {1, 1, 1, 1, 1},  {2, 2, 3, 5, 1}, {3, 7, 2, 17, 3},
                        {1, 3, 1, 4, 0}, {2, 33, 2, 3, 5}, {1, 5, 2, 0, 2}};
  for (const bool wild : {false, true})
    for (const auto& z : sizes) {
      const stf::MixerShape s{z.batch, z.steps, z.heads, z.width, z.states};
      const int64_t signal = s.batch * s.steps * s.channels(), deltas = s.batch * s.heads * 2 * s.steps;
      const int64_t diagonals = s.batch * s.steps * s.heads, projection = s.batch * s.steps * s.states;
      const auto u = hostile::operand(signal, wild, 1), delta = hostile::operand(deltas, wild, 2);
      const auto decay = hostile::operand(s.heads, wild, 3), diagonal = hostile::operand(diagonals, wild, 4);
      const auto bf = hostile::operand(projection, wild, 5), cf = hostile::operand(projection, wild, 6);
      const auto bb = hostile::operand(projection, wild, 7), cb = hostile::operand(projection, wild, 8);
      const auto dy = hostile::operand(signal, wild, 9);
      const stf::MixerOperands x{u.data(),  delta.data(), decay.data(), diagonal.data(),
                                 bf.data(), cf.data(),    bb.data(),    cb.data()};
      hostile::expectThreadsDoNotMatter(
          "mixOverTime",
          {signal, signal, deltas, s.heads, diagonals, projection, projection, projection, projection},
          [&](const stf::Parallel& parallel, const auto& out) {
            stf::mixOverTime(parallel, s, x, out[0].data());
            stf::mixOverTimeGradient(parallel, s, dy.data(), x,
                                     {out[1].data(), out[2].data(), out[3].data(), out[4].data(), out[5].data(),
                                      out[6].data(), out[7].data(), out[8].data()});
          });
    }
}};
