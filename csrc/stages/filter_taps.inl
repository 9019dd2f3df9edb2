// Part of stages.inl: filters that widen with the size of an output pixel in the source, and where they lie.
#pragma once

#include "stages/antialias.h"
#include "stages/sample_general.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// Whether taps outside the source are left out, rather than mapped.
bool leaves_out(Border border) { return border == Border::kReplicate || border == Border::kConstant; }

// The source pixels [begin, end) that a filter at s touches, before the border maps those outside.
struct Reach {
  double s;
  int begin, end;
};

struct Filter {
  bool cubic, clips;
  double slope;  // of Keys' kernel at 1
  double per_support, radius;

  Filter(const PlanRow& row, int axis)
      : cubic(is_bicubic(row)),
        clips(row.antialias && leaves_out(static_cast<Border>(row.border))),
        slope(row.antialias ? -0.5 : -0.75),
        per_support(1.0 / filter_support(row, axis)),
        radius(filter_radius(row, axis)) {}

  double operator()(double distance) const {
    const double t = distance * per_support;
    return cubic ? keys(t, slope) : 1.0 - absolute(t);
  }

  Reach reach(const Axis& axis, double s) const {
    if (clips) s = within(s, 0.0, axis.size);
    int begin = floor_to_int(s - radius - 0.5), end = floor_to_int(s + radius + 0.5) + 1;
    while (absolute(begin + 0.5 - s) >= radius) ++begin;
    while (absolute(end - 0.5 - s) >= radius) --end;
    if (!clips) return {s, begin, end};
    return {s, begin < 0 ? 0 : begin, end > axis.size ? axis.size : end};
  }
};

// ---- Weights in fixed point -----------------------------------------------------------------------------

// Fractional bits of an axis' weights: as many as 16 bits have room for, the largest weight being below
// 2.3 / support, unless the pixels that are not left out are fewer.
int weight_bits(const PlanRow& row, int axis) {
  const bool clips = row.antialias && leaves_out(static_cast<Border>(row.border));
  const double size = row.source_size[1 - axis], support = filter_support(row, axis);
  const double width = clips && size < support ? size : support;
  return 14 + (width >= 4.0) + (width >= 8.0);
}

// The weights of a reach, which sum to 2^bits exactly: what is rounded is their running sum. So an error of
// one is made up for by its neighbour, and smooth pictures hardly see it.
void weigh_fixed(const Filter& filter, const Reach& reach, int bits, std::int16_t* weight) {
  double total = 0.0;
  for (int j = reach.begin; j < reach.end; ++j) total += filter(j + 0.5 - reach.s);
  const double unit = (1 << bits) / total;
  double sum = 0.0;
  int before = 0;
  for (int j = reach.begin; j < reach.end; ++j) {
    sum += filter(j + 0.5 - reach.s);
    const int now = floor_to_int(sum * unit + 0.5);
    *weight++ = static_cast<std::int16_t>(now - before);
    before = now;
  }
}

// Two weights side by side, as multiply_add() takes them.
std::int32_t weight_pair(std::int16_t first, std::int16_t second) {
  return static_cast<std::int32_t>(static_cast<std::uint16_t>(first) |
                                   static_cast<std::uint32_t>(static_cast<std::uint16_t>(second)) << 16);
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
