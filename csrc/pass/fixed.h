// Positions and weights in fixed point, for uint8 sources.
#pragma once

#include <cstdint>

#include "pass/arithmetic.h"
#include "pass/tile.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

constexpr double kPositionUnit = 65536.0;
constexpr double kFixedUnit = 16383.0;
constexpr double kBicubicUnit = 16384.0;
constexpr double kFarthestFixed = 32000.0;  // positions must fit into 16 bits before the point

AUGSYNTH_HD inline std::int32_t to_fixed(double value) {
  const double scaled = value * kPositionUnit + 0.5;
  const auto truncated = static_cast<std::int64_t>(scaled);
  return static_cast<std::int32_t>(truncated - (static_cast<double>(truncated) > scaled));
}

inline bool maps_near(const PlanRow& row, double x, double y) {
  const double* m = row.inverse;
  const double w = linear(m + 6, x, y);
  return absolute(linear(m, x, y)) <= kFarthestFixed * w &&
         absolute(linear(m + 3, x, y)) <= kFarthestFixed * w;
}

inline bool is_small(std::ptrdiff_t stride) { return stride >= -32768 && stride <= 32767; }

// Under a displacement, positions may lie farther out than a row's matrix tells. Where far outside all is
// alike, they are moved in to where no tap lies inside the source yet.
AUGSYNTH_HD inline double within_fixed(double position) {
  constexpr double kFarthestMoved = kFarthestFixed + 8.0;
  return within(position, -kFarthestMoved, kFarthestMoved);
}

inline bool is_alike_outside(const PlanRow& row) {
  const Border border = static_cast<Border>(row.border);
  return border == Border::kConstant || border == Border::kReplicate;
}

// True if all positions and strides of a row fit into 16 bits. Offsets then fit into 32.
inline bool fits_fixed_point(const PlanRow& row, const SourceView& source) {
  if (!is_small(source.stride_y) || !is_small(source.stride_x) || row.source_size[0] > kFarthestFixed ||
      row.source_size[1] > kFarthestFixed)
    return false;
  if (row.displacement >= 0) return is_alike_outside(row);
  const double width = row.output_size[1], height = row.output_size[0];
  return maps_near(row, 0.0, 0.0) && maps_near(row, width, 0.0) && maps_near(row, 0.0, height) &&
         maps_near(row, width, height);
}

// True if the constant border is a pad of pixels. Bilinear taps outside then find the fill, which is a level,
// and nothing is blended.
inline bool pads_with_fill(const PlanRow& row) {
  if (static_cast<Border>(row.border) != Border::kConstant || row.edge[0] != 1.0 || row.edge[1] != 1.0)
    return false;
  for (int c = 0; c < row.channels; ++c)
    if (!(row.fill[c] >= 0.0 && row.fill[c] <= 255.0 && row.fill[c] == static_cast<int>(row.fill[c])))
      return false;
  return true;
}

// The right tap's share of kFixedUnit, from the position's fraction; I is an integer or a vector of them.
template <typename I>
AUGSYNTH_HD I weight_of_right(I position) {
  return (position >> 2) & 0x3fff;
}

// Four weights as whole numbers that sum to kBicubicUnit; what rounding leaves over goes to the second. F is
// float, or vectors of it.
template <typename F, typename I>
AUGSYNTH_HD void whole_weights(const F (&weight)[4], I (&whole)[4]) {
  constexpr int kLift = 32768;  // above zero, truncation is the floor
  I rest = I{} + static_cast<std::int32_t>(kBicubicUnit);
  for (int k = 0; k < 4; ++k) {
    whole[k] = truncate(weight[k] * static_cast<float>(kBicubicUnit) + (kLift + 0.5f)) - kLift;
    rest -= whole[k];
  }
  whole[1] += rest;
}

// The upper of two lines' share of 2^15.
template <typename I>
AUGSYNTH_HD I weight_of_upper(I position) {
  return ((position >> 1) & 0x7fff) ^ 0x7fff;
}

}  // namespace
}  // namespace augsynth
