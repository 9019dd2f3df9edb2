// Sampling one pixel, in whatever unit the way of sampling has.
#pragma once

#include "pixel/job.h"

namespace augsynth {
namespace {

template <int kMost>
AUGSYNTH_HD Position position_of(const Job<kMost>& job, int x, int y) {
  if (job.is_displaced) return job.map.at(x + 0.5, y + 0.5);
  const double* m = job.inverse;
  const double u = linear(m, x + 0.5, y + 0.5), v = linear(m + 3, x + 0.5, y + 0.5);
  if (job.is_affine) return {u, v};
  const double w = linear(m + 6, x + 0.5, y + 0.5);
  return {u / w, v / w};
}

// ---- In float32 -----------------------------------------------------------------------------------------

// The taps of a pixel on one axis.
template <typename Kernel>
struct PixelTaps {
  std::ptrdiff_t offset[Kernel::kTaps];  // bytes
  float weight[Kernel::kTaps];
  bool is_centred;  // see meets_centres()

  AUGSYNTH_HD PixelTaps(const Axis& axis, double s, bool is_centred) : is_centred(is_centred) {
    const double shifted = s + Kernel::kShift;
    const int first = floor_to_int(shifted);
    Kernel::weigh(shifted - first, weight);
    for (int k = 0; k < Kernel::kTaps; ++k) offset[k] = inside(axis, first + k) * axis.stride;
  }

  AUGSYNTH_HD bool counts(int k) const { return !is_centred || weight[k] != 0.0f; }

  // Part k of a sum; a single one is not weighed.
  AUGSYNTH_HD float part(int k, float value) const { return Kernel::kTaps == 1 ? value : weight[k] * value; }
};

template <typename T, typename Kernel, int kMost>
AUGSYNTH_HD void sample_taps(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  const Position at = position_of(job, x, y);
  const PixelTaps<Kernel> across(job.x, at.x, job.is_centred[0]), down(job.y, at.y, job.is_centred[1]);
  for (int c = 0; c < channels_of(job); ++c) {
    const unsigned char* plane = job.source + c * job.source_stride_c;
    value[c] = -0.0f;  // to which the first part is added without a change, be it -0
    for (int k = 0; k < Kernel::kTaps; ++k) {
      if (!down.counts(k)) continue;
      float line = -0.0f;
      for (int j = 0; j < Kernel::kTaps; ++j) {
        if (!across.counts(j)) continue;
        line +=
            across.part(j, static_cast<float>(load_element<T>(plane + down.offset[k] + across.offset[j])));
      }
      value[c] += down.part(k, line);
    }
  }
}

// ---- In fixed point -------------------------------------------------------------------------------------

struct FixedPosition {
  std::int32_t x, y;
};

// Samples at the position moved by `shift`.
template <int kMost>
AUGSYNTH_HD FixedPosition fixed_position_of(const Job<kMost>& job, int x, int y, double shift) {
  const int distance = job.has_ramp ? x % kChunk : 0;
  Position at = position_of(job, x - distance, y);
  if (job.is_displaced) at = {within_fixed(at.x), within_fixed(at.y)};
  const auto moved = [&](double first, double step) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(to_fixed(first + shift)) +
                                     static_cast<std::uint32_t>(to_fixed(step * distance)));
  };
  return {moved(at.x, job.inverse[0]), moved(at.y, job.inverse[3])};
}

// The levels of a pixel of the source, one a channel, wherever it lies.
template <int kMost>
struct FixedTap {
  const unsigned char* first;
  std::ptrdiff_t stride;

  AUGSYNTH_HD FixedTap(const Job<kMost>& job, int x, int y)
      : first(job.source + inside(job.y, y) * job.y.stride + inside(job.x, x) * job.x.stride),
        stride(job.source_stride_c) {
    if (!job.has_pad || (x >= 0 && x < job.x.size && y >= 0 && y < job.y.size)) return;
    first = job.pad;
    stride = 1;
  }

  AUGSYNTH_HD int operator[](int channel) const { return first[channel * stride]; }
};

template <int kMost>
AUGSYNTH_HD void sample_fixed_bilinear(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  const FixedPosition at = fixed_position_of(job, x, y, Bilinear::kShift);
  const std::int32_t right = weight_of_right(at.x), left = 0x3fff - right, share = weight_of_upper(at.y);
  const std::int32_t upper_left = (left * share + 0x4000) >> 15, upper_right = (right * share + 0x4000) >> 15;
  const int column = at.x >> 16, line = at.y >> 16;
  const FixedTap<kMost> tap[2][2] = {{{job, column, line}, {job, column + 1, line}},
                                     {{job, column, line + 1}, {job, column + 1, line + 1}}};
  for (int c = 0; c < channels_of(job); ++c)
    value[c] =
        static_cast<float>(tap[0][0][c] * upper_left + tap[0][1][c] * upper_right +
                           (tap[1][0][c] * (left - upper_left) + tap[1][1][c] * (right - upper_right)));
}

AUGSYNTH_HD inline void weigh_fixed_cubic(std::int32_t position, float (&weight)[4]) {
  const float f = static_cast<float>(position & 0xffff) * static_cast<float>(1.0 / kPositionUnit);
  weigh_cubic(f, static_cast<float>(Bicubic::kSlope), weight);
}

template <int kMost>
AUGSYNTH_HD void sample_fixed_bicubic(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  const FixedPosition at = fixed_position_of(job, x, y, Bicubic::kShift);
  float exact[4], down[4];
  std::int32_t across[4];
  weigh_fixed_cubic(at.x, exact);
  whole_weights(exact, across);
  weigh_fixed_cubic(at.y, down);
  std::ptrdiff_t column[4];
  for (int j = 0; j < 4; ++j) column[j] = inside(job.x, (at.x >> 16) + j) * job.x.stride;
  for (int c = 0; c < channels_of(job); ++c) value[c] = 0.0f;
  for (int k = 0; k < 4; ++k) {
    const unsigned char* line = job.source + inside(job.y, (at.y >> 16) + k) * job.y.stride;
    for (int c = 0; c < channels_of(job); ++c) {
      std::int32_t sum = 0;
      for (int j = 0; j < 4; ++j) sum += across[j] * line[column[j] + c * job.source_stride_c];
      value[c] += down[k] * static_cast<float>(sum);
    }
  }
}

}  // namespace
}  // namespace augsynth
