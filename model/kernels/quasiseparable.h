// Hydra's mixer over time (Hwang et al., 2024): y = M·u head by head, M quasiseparable with a diagonal that depends on
// the data,
//   M[t,s] = C_f[t−1]·B_f[s] · exp(A·Σ_{s<r<t} Δ_f[r]) · Δ_f[s]   for s < t,
//   M[t,s] = C_b[t+1]·B_b[s] · exp(A·Σ_{t<r<s} Δ_b[r]) · Δ_b[s]   for s > t.
// At clip lengths (T ≤ 64) a head's T×T numbers lie in the cache, and its product with u outruns the two recurrences,
// which carry N states for each channel. Sums of exponents have one sign, so nothing cancels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "elementaryFunctions.h"
#include "parallel.h"
#include "product.h"

namespace stf {

struct MixerShape {
  int64_t batch;
  int64_t steps;
  int64_t heads;
  // Channels of a head.
  int64_t width;
  int64_t states;

  int64_t channels() const { return heads * width; }
  int64_t square() const { return steps * steps; }
};

// u: [batch, steps, heads·width]; delta: [batch, heads, 2, steps]; decay (A): [heads]; diagonal: [batch, steps, heads];
// input and output (B, C) forward and backward: [batch, steps, states].
template <typename Float>
struct MixerOf {
  Float* u;
  Float* delta;
  Float* decay;
  Float* diagonal;
  Float* inputForward;
  Float* outputForward;
  Float* inputBackward;
  Float* outputBackward;
};

using MixerOperands = MixerOf<const float>;
using MixerGradients = MixerOf<float>;

// C[t∓1]·B[s] of a sample, [steps, steps], 0 on the diagonal; all heads share it.
inline void mixerScores(const MixerShape& s, const MixerOperands& x, int64_t sample, float* scores) {
  const int64_t steps = s.steps;
  const int64_t at = sample * steps * s.states;
  std::vector<float> turned(static_cast<size_t>(s.states * steps));
  std::vector<float> above(static_cast<size_t>(s.square()));
  const auto turn = [&](const float* from) {
    for (int64_t t = 0; t < steps; ++t)
      for (int64_t n = 0; n < s.states; ++n) turned[static_cast<size_t>(n * steps + t)] = from[t * s.states + n];
  };
  std::fill(scores, scores + s.square(), 0.0f);
  turn(x.inputForward + at);
  addProduct(steps - 1, s.states, steps, {x.outputForward + at, s.states, 1}, turned.data(), steps, scores + steps,
             steps);
  turn(x.inputBackward + at);
  addProduct(steps - 1, s.states, steps, {x.outputBackward + at + s.states, s.states, 1}, turned.data(), steps,
             above.data(), steps);
  for (int64_t t = 0; t < steps; ++t) {
    std::copy(above.data() + t * steps + t, above.data() + (t + 1) * steps, scores + t * steps + t);
    scores[t * steps + t] = 0;
  }
}

// exp(A·Σ Δ) of the steps strictly between t and s, [steps, steps]; the diagonal is of no use.
inline void mixerFactors(int64_t steps, float decay, const float* forward, const float* backward, float* factors) {
  for (int64_t t = 1; t < steps; ++t) {
    float* row = factors + t * steps;
    const float* earlier = row - steps;
    for (int64_t s = 0; s + 1 < t; ++s) row[s] = earlier[s] + forward[t - 1];
    row[t - 1] = 0;
  }
  for (int64_t t = steps - 2; t >= 0; --t) {
    float* row = factors + t * steps;
    const float* later = row + steps;
    for (int64_t s = t + 2; s < steps; ++s) row[s] = later[s] + backward[t + 1];
    row[t + 1] = 0;
  }
  for (int64_t t = 0; t < steps; ++t) factors[t * steps + t] = 0;
#pragma omp simd
  for (int64_t i = 0; i < steps * steps; ++i) factors[i] = exponential(factors[i] * decay);
}

// factor[t,s]·Δ[s], Δ of the direction that t reads s in.
inline void mixerWeights(int64_t steps, const float* forward, const float* backward, const float* factors,
                         float* weights) {
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t row = t * steps;
    for (int64_t s = 0; s < t; ++s) weights[row + s] = factors[row + s] * forward[s];
    weights[row + t] = 0;
    for (int64_t s = t + 1; s < steps; ++s) weights[row + s] = factors[row + s] * backward[s];
  }
}

// M of a head with its diagonal.
inline void mixerMatrix(const MixerShape& s, const float* scores, const float* weights, const float* diagonal,
                        float* matrix) {
  for (int64_t i = 0; i < s.square(); ++i) matrix[i] = scores[i] * weights[i];
  for (int64_t t = 0; t < s.steps; ++t) matrix[t * s.steps + t] = diagonal[t * s.heads];
}

inline std::vector<float> allMixerScores(const Parallel& parallel, const MixerShape& s, const MixerOperands& x) {
  std::vector<float> scores(static_cast<size_t>(s.batch * s.square()));
  parallel(s.batch, s.square() * s.states, [&](int64_t begin, int64_t end) {
    for (int64_t sample = begin; sample < end; ++sample)
      mixerScores(s, x, sample, scores.data() + sample * s.square());
  });
  return scores;
}

// y: [batch, steps, heads·width]. At least one step.
inline void mixOverTime(const Parallel& parallel, const MixerShape& s, const MixerOperands& x, float* y) {
  const int64_t steps = s.steps;
  const std::vector<float> scores = allMixerScores(parallel, s, x);
  parallel(s.batch * s.heads, s.square() * (8 + s.width / 8), [&](int64_t begin, int64_t end) {
    std::vector<float> factors(static_cast<size_t>(s.square()));
    std::vector<float> matrix(static_cast<size_t>(s.square()));
    for (int64_t item = begin; item < end; ++item) {
      const int64_t sample = item / s.heads;
      const int64_t head = item % s.heads;
      const float* delta = x.delta + item * 2 * steps;
      mixerFactors(steps, x.decay[head], delta, delta + steps, factors.data());
      mixerWeights(steps, delta, delta + steps, factors.data(), matrix.data());
      mixerMatrix(s, scores.data() + sample * s.square(), matrix.data(), x.diagonal + sample * steps * s.heads + head,
                  matrix.data());
      const int64_t at = sample * steps * s.channels() + head * s.width;
      for (int64_t t = 0; t < steps; ++t)
        std::fill(y + at + t * s.channels(), y + at + t * s.channels() + s.width, 0.0f);
      addProduct(steps, steps, s.width, {matrix.data(), steps, 1}, x.u + at, s.channels(), y + at, s.channels());
    }
  });
}

// Gradients of mixOverTime. Matrices are computed once more; what heads give to B and C, and samples to A, is kept apart
// and summed in order.
inline void mixOverTimeGradient(const Parallel& parallel, const MixerShape& s, const float* dy, const MixerOperands& x,
                                const MixerGradients& d) {
  const int64_t steps = s.steps;
  const int64_t square = s.square();
  const std::vector<float> scores = allMixerScores(parallel, s, x);
  std::vector<float> dScores(static_cast<size_t>(s.batch * s.heads * square));
  std::vector<float> dDecay(static_cast<size_t>(s.batch * s.heads));

  parallel(s.batch * s.heads, square * (20 + s.width / 4), [&](int64_t begin, int64_t end) {
    std::vector<float> factors(static_cast<size_t>(square));
    std::vector<float> weights(static_cast<size_t>(square));
    std::vector<float> matrix(static_cast<size_t>(square));
    std::vector<float> dMatrix(static_cast<size_t>(square));
    std::vector<float> turned(static_cast<size_t>(s.width * steps));
    std::vector<float> sums(static_cast<size_t>(steps));
    for (int64_t item = begin; item < end; ++item) {
      const int64_t sample = item / s.heads;
      const int64_t head = item % s.heads;
      const float* forward = x.delta + item * 2 * steps;
      const float* backward = forward + steps;
      const float* shared = scores.data() + sample * square;
      const float decay = x.decay[head];
      const int64_t diagonal = sample * steps * s.heads + head;
      mixerFactors(steps, decay, forward, backward, factors.data());
      mixerWeights(steps, forward, backward, factors.data(), weights.data());
      mixerMatrix(s, shared, weights.data(), x.diagonal + diagonal, matrix.data());

      const int64_t at = sample * steps * s.channels() + head * s.width;
      for (int64_t t = 0; t < steps; ++t) {
        const int64_t row = at + t * s.channels();
        std::fill(d.u + row, d.u + row + s.width, 0.0f);
        for (int64_t p = 0; p < s.width; ++p) turned[static_cast<size_t>(p * steps + t)] = x.u[row + p];
      }
      addProduct(steps, steps, s.width, {matrix.data(), 1, steps}, dy + at, s.channels(), d.u + at, s.channels());
      std::fill(dMatrix.begin(), dMatrix.end(), 0.0f);
      addProduct(steps, s.width, steps, {dy + at, s.channels(), 1}, turned.data(), steps, dMatrix.data(), steps);

      float* dForward = d.delta + item * 2 * steps;
      float* dBackward = dForward + steps;
      std::fill(dForward, dForward + 2 * steps, 0.0f);
      for (int64_t t = 0; t < steps; ++t) {
        const int64_t row = t * steps;
        // Behind a norm this sum is the small remainder of large terms: in float64.
        double share = 0;
        for (int64_t p = 0; p < s.width; ++p)
          share += static_cast<double>(dy[at + t * s.channels() + p]) * x.u[at + t * s.channels() + p];
        d.diagonal[diagonal + t * s.heads] = static_cast<float>(share);
        for (int64_t i = 0; i < t; ++i) dForward[i] += dMatrix[row + i] * factors[row + i] * shared[row + i];
        for (int64_t i = t + 1; i < steps; ++i) dBackward[i] += dMatrix[row + i] * factors[row + i] * shared[row + i];
      }
      float* dShared = dScores.data() + item * square;
      for (int64_t i = 0; i < square; ++i) dShared[i] = dMatrix[i] * weights[i];
      // From here on the gradient of the exponents; those on the diagonal are none.
      for (int64_t i = 0; i < square; ++i) dMatrix[i] = dMatrix[i] * matrix[i];

      // A row of exponents is the row before and one more step size: its adjoint runs the other way.
      float dA = 0;
      const auto addRate = [&](int64_t step, const float* delta, float* dDelta, int64_t first, int64_t last) {
        float rate = 0;
        for (int64_t i = first; i < last; ++i) rate += sums[i];
        dDelta[step] += rate * decay;
        dA += rate * delta[step];
      };
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t t = steps - 1; t >= 2; --t) {
        for (int64_t i = 0; i < t; ++i) sums[i] += dMatrix[t * steps + i];
        addRate(t - 1, forward, dForward, 0, t - 1);
      }
      std::fill(sums.begin(), sums.end(), 0.0f);
      for (int64_t t = 0; t + 2 < steps; ++t) {
        for (int64_t i = t + 1; i < steps; ++i) sums[i] += dMatrix[t * steps + i];
        addRate(t + 1, backward, dBackward, t + 2, steps);
      }
      dDecay[static_cast<size_t>(item)] = dA;
    }
  });

  parallel(s.batch, square * (s.heads + s.states), [&](int64_t begin, int64_t end) {
    std::vector<float> below(static_cast<size_t>(square));
    std::vector<float> above(static_cast<size_t>(square));
    for (int64_t sample = begin; sample < end; ++sample) {
      std::fill(below.begin(), below.end(), 0.0f);
      std::fill(above.begin(), above.end(), 0.0f);
      for (int64_t head = 0; head < s.heads; ++head) {
        const float* from = dScores.data() + (sample * s.heads + head) * square;
        for (int64_t t = 0; t < steps; ++t) {
          for (int64_t i = 0; i < t; ++i) below[t * steps + i] += from[t * steps + i];
          for (int64_t i = t + 1; i < steps; ++i) above[t * steps + i] += from[t * steps + i];
        }
      }
      const int64_t size = steps * s.states;
      const int64_t at = sample * size;
      for (float* gradient : {d.inputForward, d.outputForward, d.inputBackward, d.outputBackward})
        std::fill(gradient + at, gradient + at + size, 0.0f);
      const float* low = below.data() + steps;
      const float* high = above.data();
      const int64_t n = s.states;
      addProduct(steps - 1, steps, n, {low, steps, 1}, x.inputForward + at, n, d.outputForward + at, n);
      addProduct(steps, steps - 1, n, {low, 1, steps}, x.outputForward + at, n, d.inputForward + at, n);
      addProduct(steps - 1, steps, n, {high, steps, 1}, x.inputBackward + at, n, d.outputBackward + at + n, n);
      addProduct(steps, steps - 1, n, {high, 1, steps}, x.outputBackward + at + n, n, d.inputBackward + at, n);
    }
  });

  std::fill(d.decay, d.decay + s.heads, 0.0f);
  for (int64_t item = 0; item < s.batch * s.heads; ++item) d.decay[item % s.heads] += dDecay[static_cast<size_t>(item)];
}

}  // namespace stf
