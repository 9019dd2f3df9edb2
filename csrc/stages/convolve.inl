// Part of stages.inl: what blurs are made of. It is no stage of a pass, but needs the same vectors.
#pragma once

#include "stages/kernel.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// The sums of `kTogether` values side by side, one V each, in the order that kernel.h states.
template <typename V, int kTogether>
void convolve_some(const float* values, std::ptrdiff_t step, const float* kernel, int middle, float* sums) {
  constexpr int kWidth = sizeof(V) / sizeof(float);
  V sum[kTogether];
  for (int k = 0; k < kTogether; ++k) sum[k] = load<V>(values + middle * step + k * kWidth) * kernel[middle];
  for (int t = 0; t < middle; ++t) {
    const float *left = values + t * step, *right = values + (2 * middle - t) * step;
    for (int k = 0; k < kTogether; ++k)
      sum[k] += (load<V>(left + k * kWidth) + load<V>(right + k * kWidth)) * kernel[t];
  }
  for (int k = 0; k < kTogether; ++k) store(sums + k * kWidth, sum[k]);
}

}  // namespace

void convolve(const float* values, std::ptrdiff_t step, const float* kernel, int middle, std::ptrdiff_t count,
              float* sums) {
  constexpr int kTogether = 4;
  std::ptrdiff_t i = 0;
  for (; i + kTogether * kLanes <= count; i += kTogether * kLanes)
    convolve_some<Floats, kTogether>(values + i, step, kernel, middle, sums + i);
  for (; i < count; ++i) convolve_some<float, 1>(values + i, step, kernel, middle, sums + i);
}

}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
