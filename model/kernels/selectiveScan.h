// The selective state-space recurrence of Mamba (Gu and Dao, 2023):
// h_t = exp(Δ_t⊗A)⊙h_{t−1} + (Δ_t u_t)⊗B_t, y_t = h_t·C_t + D⊙u_t, each sample starting from h = 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "elementaryFunctions.h"
#include "parallel.h"

namespace stf {

struct ScanShape {
  int64_t directions;
  int64_t samples;
  int64_t steps;
  int64_t channels;
  int64_t states;

  int64_t rows() const { return samples * steps; }
};

// u, delta: [directions, rows, channels]; decay (A): [directions, channels, states]; input, output (B, C):
// [directions, rows, states]; skip (D): [directions, channels].
struct ScanOperands {
  const float* u;
  const float* delta;
  const float* decay;
  const float* input;
  const float* output;
  const float* skip;
};

// Channels that run side by side in a vector.
constexpr int64_t kScanLanes = 16;

// One group of up to kScanLanes neighbouring channels of a sample, its operands laid out lane by lane. Lanes past the
// last channel hold zeros.
class ScanLanes {
 public:
  ScanLanes(const ScanShape& shape, int64_t direction, int64_t sample, int64_t firstChannel)
      : s_(shape),
        row_(direction * shape.rows() + sample * shape.steps),
        first_(firstChannel),
        count_(std::min(kScanLanes, shape.channels - firstChannel)),
        parameter_(direction * shape.channels + firstChannel) {}

  int64_t count() const { return count_; }
  // Place of channel 0 of the group at step t in [directions, rows, channels].
  int64_t signal(int64_t t) const { return (row_ + t) * s_.channels + first_; }
  // Place of state 0 at step t in [directions, rows, states].
  int64_t projection(int64_t t) const { return (row_ + t) * s_.states; }
  // Place of channel 0 of the group in [directions, channels].
  int64_t parameter() const { return parameter_; }

  void read(const float* from, float* lanes) const {
    for (int64_t c = 0; c < kScanLanes; ++c) lanes[c] = c < count_ ? from[c] : 0.0f;
  }

  // A as [states, lanes].
  void readDecay(const float* decay, float* lanes) const {
    for (int64_t n = 0; n < s_.states; ++n)
      for (int64_t c = 0; c < kScanLanes; ++c)
        lanes[n * kScanLanes + c] = c < count_ ? decay[(parameter_ + c) * s_.states + n] : 0.0f;
  }

 private:
  const ScanShape& s_;
  int64_t row_;
  int64_t first_;
  int64_t count_;
  int64_t parameter_;
};

// One state of all lanes moves by one step: factor = exp(Δ·A), h = factor·before + drive·B.
inline void scanStep(const float* delta, const float* decay, const float* drive, float input, const float* before,
                     float* factor, float* h) {
#pragma omp simd
  for (int64_t c = 0; c < kScanLanes; ++c) {
    factor[c] = exponential(delta[c] * decay[c]);
    h[c] = factor[c] * before[c] + drive[c] * input;
  }
}

// y: [directions, rows, channels].
inline void selectiveScan(const Parallel& parallel, const ScanShape& s, const ScanOperands& x, float* y) {
  const int64_t groups = (s.channels + kScanLanes - 1) / kScanLanes;
  const int64_t width = s.states * kScanLanes;
  parallel(s.directions * s.samples * groups, s.steps * width * 2, [&](int64_t begin, int64_t end) {
    std::vector<float> decay(static_cast<size_t>(width));
    std::vector<float> state(static_cast<size_t>(width));
    for (int64_t item = begin; item < end; ++item) {
      const ScanLanes lanes(s, item / groups / s.samples, item / groups % s.samples, item % groups * kScanLanes);
      float u[kScanLanes], delta[kScanLanes], drive[kScanLanes], skip[kScanLanes], read[kScanLanes];
      lanes.readDecay(x.decay, decay.data());
      lanes.read(x.skip + lanes.parameter(), skip);
      std::fill(state.begin(), state.end(), 0.0f);
      for (int64_t t = 0; t < s.steps; ++t) {
        lanes.read(x.u + lanes.signal(t), u);
        lanes.read(x.delta + lanes.signal(t), delta);
        for (int64_t c = 0; c < kScanLanes; ++c) drive[c] = delta[c] * u[c];
        for (int64_t c = 0; c < kScanLanes; ++c) read[c] = skip[c] * u[c];
        for (int64_t n = 0; n < s.states; ++n) {
          float* h = state.data() + n * kScanLanes;
          const float output = x.output[lanes.projection(t) + n];
          float factor[kScanLanes];
          scanStep(delta, decay.data() + n * kScanLanes, drive, x.input[lanes.projection(t) + n], h, factor, h);
#pragma omp simd
          for (int64_t c = 0; c < kScanLanes; ++c) read[c] += output * h[c];
        }
        std::copy(read, read + lanes.count(), y + lanes.signal(t));
      }
    }
  });
}

struct ScanGradients {
  float* u;
  float* delta;
  float* decay;
  float* input;
  float* output;
  float* skip;
};

// States are computed once more, group by group. Groups of channels add to dB and dC, and samples to dA and dD, in
// places of their own, which are then summed in order.
inline void selectiveScanGradient(const Parallel& parallel, const ScanShape& s, const float* dy, const ScanOperands& x,
                                  const ScanGradients& d) {
  // Channels that share their sums for dB and dC.
  constexpr int64_t kShared = 8 * kScanLanes;
  const int64_t parts = std::max<int64_t>(1, (s.channels + kShared - 1) / kShared);
  const int64_t width = s.states * kScanLanes;
  const int64_t series = s.directions * s.samples;
  const int64_t projections = s.steps * s.states;
  const int64_t parameters = s.channels * s.states;
  std::vector<float> dInput(static_cast<size_t>(series * parts * projections));
  std::vector<float> dOutput(dInput.size());
  std::vector<float> dDecay(static_cast<size_t>(series * parameters));
  std::vector<float> dSkip(static_cast<size_t>(series * s.channels));

  parallel(series * parts, s.steps * width * 8 * 4, [&](int64_t begin, int64_t end) {
    // Factors and states of all steps, [steps, states, lanes]; the state before the first step leads.
    std::vector<float> factors(static_cast<size_t>(s.steps * width));
    std::vector<float> states(static_cast<size_t>((s.steps + 1) * width));
    std::vector<float> drives(static_cast<size_t>(s.steps * kScanLanes));
    std::vector<float> decay(static_cast<size_t>(width));
    std::vector<float> adjoint(static_cast<size_t>(width));
    std::vector<float> dA(static_cast<size_t>(width));
    // Sums for dB and dC, lane by lane.
    std::vector<float> inputLanes(static_cast<size_t>(s.steps * width));
    std::vector<float> outputLanes(static_cast<size_t>(s.steps * width));

    for (int64_t item = begin; item < end; ++item) {
      const int64_t which = item / parts;
      const int64_t direction = which / s.samples;
      std::fill(inputLanes.begin(), inputLanes.end(), 0.0f);
      std::fill(outputLanes.begin(), outputLanes.end(), 0.0f);
      const int64_t firstChannel = item % parts * kShared;
      for (int64_t first = firstChannel; first < std::min(firstChannel + kShared, s.channels); first += kScanLanes) {
        const ScanLanes lanes(s, direction, which % s.samples, first);
        float u[kScanLanes], delta[kScanLanes], skip[kScanLanes], dyLanes[kScanLanes];
        lanes.readDecay(x.decay, decay.data());
        lanes.read(x.skip + lanes.parameter(), skip);
        std::fill(states.begin(), states.begin() + width, 0.0f);
        for (int64_t t = 0; t < s.steps; ++t) {
          float* drive = drives.data() + t * kScanLanes;
          lanes.read(x.u + lanes.signal(t), u);
          lanes.read(x.delta + lanes.signal(t), delta);
          for (int64_t c = 0; c < kScanLanes; ++c) drive[c] = delta[c] * u[c];
          for (int64_t n = 0; n < s.states; ++n) {
            const int64_t at = t * width + n * kScanLanes;
            scanStep(delta, decay.data() + n * kScanLanes, drive, x.input[lanes.projection(t) + n], &states[at],
                     &factors[at], &states[at + width]);
          }
        }

        float dD[kScanLanes] = {};
        std::fill(adjoint.begin(), adjoint.end(), 0.0f);
        std::fill(dA.begin(), dA.end(), 0.0f);
        for (int64_t t = s.steps - 1; t >= 0; --t) {
          const float* drive = drives.data() + t * kScanLanes;
          float dDrive[kScanLanes] = {};
          float dDelta[kScanLanes] = {};
          lanes.read(x.u + lanes.signal(t), u);
          lanes.read(x.delta + lanes.signal(t), delta);
          lanes.read(dy + lanes.signal(t), dyLanes);
          for (int64_t n = 0; n < s.states; ++n) {
            const int64_t at = t * width + n * kScanLanes;
            const float input = x.input[lanes.projection(t) + n];
            const float output = x.output[lanes.projection(t) + n];
            // The adjoint of h_t, and on leaving the share that h_{t−1} has in it.
            float* g = adjoint.data() + n * kScanLanes;
            const float* a = decay.data() + n * kScanLanes;
            const float* factor = &factors[at];
            const float* before = &states[at];
            const float* h = &states[at + width];
            float* dInputLanes = &inputLanes[at];
            float* dOutputLanes = &outputLanes[at];
            float* dDecayLanes = dA.data() + n * kScanLanes;
#pragma omp simd
            for (int64_t c = 0; c < kScanLanes; ++c) {
              const float here = g[c] + dyLanes[c] * output;
              dOutputLanes[c] += dyLanes[c] * h[c];
              dInputLanes[c] += here * drive[c];
              dDrive[c] += here * input;
              const float back = here * factor[c];
              const float exponent = back * before[c];
              dDelta[c] += exponent * a[c];
              dDecayLanes[c] += exponent * delta[c];
              g[c] = back;
            }
          }
          for (int64_t c = 0; c < lanes.count(); ++c) {
            d.u[lanes.signal(t) + c] = dDrive[c] * delta[c] + skip[c] * dyLanes[c];
            d.delta[lanes.signal(t) + c] = dDelta[c] + dDrive[c] * u[c];
            dD[c] += dyLanes[c] * u[c];
          }
        }
        for (int64_t c = 0; c < lanes.count(); ++c) {
          dSkip[static_cast<size_t>(which * s.channels + first + c)] = dD[c];
          for (int64_t n = 0; n < s.states; ++n)
            dDecay[static_cast<size_t>(which * parameters + (first + c) * s.states + n)] = dA[n * kScanLanes + c];
        }
      }
      for (int64_t i = 0; i < projections; ++i) {
        float input = 0;
        float output = 0;
        for (int64_t c = 0; c < kScanLanes; ++c) {
          input += inputLanes[i * kScanLanes + c];
          output += outputLanes[i * kScanLanes + c];
        }
        dInput[static_cast<size_t>(item * projections + i)] = input;
        dOutput[static_cast<size_t>(item * projections + i)] = output;
      }
    }
  });

  // [outer, count, width] summed over the middle axis.
  const auto sum = [](int64_t outer, int64_t count, int64_t width, const std::vector<float>& from, float* to) {
    std::fill(to, to + outer * width, 0.0f);
    for (int64_t i = 0; i < outer * count; ++i)
      for (int64_t j = 0; j < width; ++j) to[i / count * width + j] += from[static_cast<size_t>(i * width + j)];
  };
  sum(series, parts, projections, dInput, d.input);
  sum(series, parts, projections, dOutput, d.output);
  sum(s.directions, s.samples, parameters, dDecay, d.decay);
  sum(s.directions, s.samples, s.channels, dSkip, d.skip);
}

}  // namespace stf
