// Filters that widen with the size of an output pixel in the source: where they lie and what their taps
// weigh.
#pragma once

#include <cstdint>

#include "pass/antialias.h"
#include "pass/border.h"
#include "pass/interpolation.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

// The source pixels [begin, end) that a filter at s touches, before the border maps those outside.
struct Reach {
  double s;
  int begin, end;
};

struct Filter {
  bool cubic, clips;
  double slope;  // of Keys' kernel at 1
  double per_support, radius;

  Filter() = default;

  Filter(const PlanRow& row, int axis)
      : cubic(is_bicubic(row)),
        clips(row.antialias && leaves_out(static_cast<Border>(row.border))),
        slope(row.antialias ? -0.5 : -0.75),
        per_support(1.0 / filter_support(row, axis)),
        radius(filter_radius(row, axis)) {}

  AUGSYNTH_HD double operator()(double distance) const {
    const double t = distance * per_support;
    return cubic ? keys(t, slope) : 1.0 - absolute(t);
  }

  AUGSYNTH_HD Reach reach(const Axis& axis, double s) const {
    if (clips) s = within(s, 0.0, axis.size);
    int begin = floor_to_int(s - radius - 0.5), end = floor_to_int(s + radius + 0.5) + 1;
    while (absolute(begin + 0.5 - s) >= radius) ++begin;
    while (absolute(end - 0.5 - s) >= radius) --end;
    if (!clips) return {s, begin, end};
    return {s, begin < 0 ? 0 : begin, end > axis.size ? axis.size : end};
  }

  AUGSYNTH_HD double total(const Reach& reach) const {
    double sum = 0.0;
    for (int j = reach.begin; j < reach.end; ++j) sum += (*this)(j + 0.5 - reach.s);
    return sum;
  }
};

// ---- Weights in fixed point -----------------------------------------------------------------------------

constexpr int kLineBits = 6;     // fractional bits of the line between the axes
constexpr int kSampleBits = 16;  // and of the samples: as many as leave a float exact

// Fractional bits of an axis' weights: as many as 16 bits have room for, the largest weight being below
// 2.3 / support, unless the pixels that are not left out are fewer.
inline int weight_bits(const PlanRow& row, int axis) {
  const bool clips = row.antialias && leaves_out(static_cast<Border>(row.border));
  const double size = row.source_size[1 - axis], support = filter_support(row, axis);
  const double width = clips && size < support ? size : support;
  return 14 + (width >= 4.0) + (width >= 8.0);
}

// The weights of a reach, which sum to 2^bits exactly: what is rounded is their running sum. So an error of
// one is made up for by its neighbour, and smooth pictures hardly see it.
AUGSYNTH_HD inline void weigh_fixed(const Filter& filter, const Reach& reach, int bits,
                                    std::int16_t* weight) {
  const double unit = (1 << bits) / filter.total(reach);
  double sum = 0.0;
  int before = 0;
  for (int j = reach.begin; j < reach.end; ++j) {
    sum += filter(j + 0.5 - reach.s);
    const int now = floor_to_int(sum * unit + 0.5);
    *weight++ = static_cast<std::int16_t>(now - before);
    before = now;
  }
}

// ---- Weights in float64, of filters of any width ----------------------------------------------------------

// Fills weight(0), weight(1), ... for the pixels in the range that comes back. Where taps outnumber the
// source's pixels, those of one pixel are folded together.
template <typename Weight>
AUGSYNTH_HD Range weigh_wide(const Filter& filter, const Axis& axis, const Reach& reach,
                             const Weight& weight) {
  const bool folds = reach.end - reach.begin > axis.size;
  const Range range = folds ? Range{0, axis.size} : Range{reach.begin, reach.end};
  for (int i = 0; i < range.end - range.begin; ++i) weight(i) = 0.0;
  double total = 0.0;
  for (int j = reach.begin; j < reach.end; ++j) {
    const double one = filter(j + 0.5 - reach.s);
    total += one;
    weight(folds ? inside(axis, j) : j - reach.begin) += one;
  }
  const double share = 1.0 / total;
  for (int i = 0; i < range.end - range.begin; ++i) weight(i) *= share;
  return range;
}

}  // namespace
}  // namespace augsynth
