// Sampling one pixel by filters along the axes, which taps.h finds beforehand. What lies between the axes has
// the precision of the vectors' line.
#pragma once

#include "pixel/taps.h"

namespace augsynth {
namespace {

// uint8 in whole numbers.
struct FixedSums {
  using Weight = std::int16_t;
  using Sum = std::int32_t;
  int shift_x, shift_y;

  template <int kMost>
  AUGSYNTH_HD explicit FixedSums(const Job<kMost>& job)
      : shift_x(job.across.bits + kLineBits - kSampleBits), shift_y(job.down.bits - kLineBits) {}

  AUGSYNTH_HD Sum empty_line() const { return 1 << (shift_y - 1); }
  AUGSYNTH_HD Sum empty_sum() const { return 0; }
  AUGSYNTH_HD Sum of_line(Sum line) const { return static_cast<std::int16_t>(line >> shift_y); }
  AUGSYNTH_HD float result(Sum sum) const { return static_cast<float>(sum >> shift_x); }
  AUGSYNTH_HD static bool counts(Weight) { return true; }
};

// Any dtype. T is float, in which sums begin with their first part (so that -0 stays -0), or double, in which
// they begin with 0.
template <typename T>
struct RealSums {
  using Weight = T;
  using Sum = T;

  template <int kMost>
  AUGSYNTH_HD explicit RealSums(const Job<kMost>&) {}

  AUGSYNTH_HD Sum empty_line() const { return sizeof(T) == sizeof(float) ? T(-0.0) : T(0.0); }
  AUGSYNTH_HD Sum empty_sum() const { return empty_line(); }
  AUGSYNTH_HD Sum of_line(Sum line) const { return line; }
  AUGSYNTH_HD float result(Sum sum) const { return static_cast<float>(sum); }
  AUGSYNTH_HD static bool counts(Weight weight) { return weight != T(0); }  // 0 times a NaN is not 0
};

template <typename T, typename Sums, int kMost>
AUGSYNTH_HD void sample_filter(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  using Weight = typename Sums::Weight;
  using Sum = typename Sums::Sum;
  const Sums sums(job);
  const FilterTaps<Weight> across = taps_at<Weight>(job.across, x), down = taps_at<Weight>(job.down, y);
  Sum sum[kMost], line[kMost];
  for (Sum& one : sum) one = sums.empty_sum();
  for (int j = 0; j < across.count; ++j) {
    if (!sums.counts(across.weight[j])) continue;
    const unsigned char* column = job.source + inside(job.x, across.begin + j) * job.x.stride;
    for (Sum& one : line) one = sums.empty_line();
    for (int k = 0; k < down.count; ++k) {
      if (!sums.counts(down.weight[k])) continue;
      const unsigned char* from = column + inside(job.y, down.begin + k) * job.y.stride;
      for (int c = 0; c < channels_of(job); ++c)
        line[c] += down.weight[k] * static_cast<Sum>(load_element<T>(from + c * job.source_stride_c));
    }
    for (int c = 0; c < channels_of(job); ++c) sum[c] += across.weight[j] * sums.of_line(line[c]);
  }
  for (int c = 0; c < channels_of(job); ++c) value[c] = sums.result(sum[c]);
}

}  // namespace
}  // namespace augsynth
