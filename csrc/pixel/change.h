// The changes of a pixel's values between sampling and storing.
#pragma once

#include "pass/rounding.h"
#include "pixel/job.h"
#include "pixel/noise.h"
#include "pixel/sample.h"

namespace augsynth {
namespace {

template <int kMost>
AUGSYNTH_HD void blend_fill(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  const Position at = position_of(job, x, y);
  const float k = static_cast<float>(job.coverage.at(at.x, at.y));
  if (k == 1.0f) return;
  for (int c = 0; c < channels_of(job); ++c)  // a NaN must not get through where nothing of it is seen
    value[c] = k == 0.0f ? job.fill[c] : job.fill[c] * (1.0f - k) + value[c] * k;
}

// Values are rounded first, as storing them would.
template <int kMost>
AUGSYNTH_HD void look_up(const Job<kMost>& job, float (&value)[kMost]) {
  const float highest = job.source_dtype == DType::kUint8 ? 255.0f : 65535.0f;
  for (int c = 0; c < channels_of(job); ++c)
    value[c] = static_cast<float>(job.lut[round_within(value[c] * job.per_level, highest)]) * job.level;
}

template <int kMost>
AUGSYNTH_HD void mix_channels(const Job<kMost>& job, float (&value)[kMost]) {
  float before[kMost];
  for (int k = 0; k < channels_of(job); ++k) before[k] = value[k];
  for (int c = 0; c < channels_of(job); ++c) {
    float sum = -0.0f;  // to which the first part is added without a change, be it -0
    for (int k = 0; k < channels_of(job); ++k)
      if (!job.mixes_some || job.mix[c * kMost + k] != 0.0f) sum += job.mix[c * kMost + k] * before[k];
    value[c] = at_most(at_least(sum + job.mix_offset[c], job.mix_low), job.mix_high);
  }
}

template <int kMost>
AUGSYNTH_HD void erase(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  for (const Erasure* erasure = job.erasures_begin; erasure != job.erasures_end; ++erasure) {
    const std::int32_t* box = erasure->box;  // top, left, bottom, right
    if (y < box[0] || x < box[1] || y >= box[2] || x >= box[3]) continue;
    for (int c = 0; c < channels_of(job); ++c) {
      const double low = erasure->low[c], high = erasure->high[c];
      value[c] = static_cast<float>(low * job.unit);
      if (low == high) continue;
      const PhiloxBlock block = block_at(erasure->stream, x / kBlockHalves, y, c);
      const auto half = static_cast<float>(bits_of_pixel(block, x, 1));
      value[c] = UniformLevels(low, high, job.unit).of(half);
    }
  }
}

}  // namespace
}  // namespace augsynth
