// Which of the ways of sampling a row takes: each has an arithmetic of its own, as "How the native executors
// compute" in docs/design/numerics.md says.
#pragma once

#include "pass/antialias.h"
#include "pass/fixed.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

enum class SamplingKind : std::uint8_t {
  kNearest,
  kBilinear,       // in float32
  kBicubic,        // the same
  kFixedBilinear,  // uint8 in fixed point
  kFixedBicubic,   // the same
  kFixedFilter,    // uint8 along the axes, in fixed point
  kFloatFilter,    // along the axes in float32
  kWideFilter      // along the axes in float64, with many taps
};

inline bool is_filter(SamplingKind sampler) { return sampler >= SamplingKind::kFixedFilter; }

// Whether an image of bytes is interleaved, with three or four channels.
inline bool has_packed_bytes(const PlanRow& row, const SourceView& source) {
  return (row.channels == 3 || row.channels == 4) && source.stride_c == 1 && source.stride_x == row.channels;
}

inline bool is_whole(double value) {
  constexpr double kFarthestWhole = 1073741824.0;  // of the positions of a valid row, none lies farther out
  return absolute(value) < kFarthestWhole && value == floor_to_int(value);
}

// Whether all positions on an axis (0 is x, 1 is y) are centres of float32 pixels: interpolation weighs one
// tap by 1 there, and the others by 0. Those are not looked at, as 0 times a NaN or an infinity is not 0.
inline bool meets_centres(const PlanRow& row, int axis) {
  const double* m = row.inverse + 3 * axis;
  return static_cast<DType>(row.source_dtype) == DType::kFloat32 && is_affine(row) && is_whole(m[0]) &&
         is_whole(m[1]) && is_whole(linear(m, 0.5, 0.5) - 0.5);
}

// Of a row that is neither reduced first nor swaps its axes under a filter.
inline SamplingKind choose_sampler(const PlanRow& row, const SourceView& source) {
  if (is_filtered_fixed(row)) return SamplingKind::kFixedFilter;
  if (is_filtered(row)) return has_few_taps(row) ? SamplingKind::kFloatFilter : SamplingKind::kWideFilter;
  if (static_cast<Interpolation>(row.interpolation) == Interpolation::kNearest) return SamplingKind::kNearest;
  if (meets_centres(row, 0) && meets_centres(row, 1)) return SamplingKind::kNearest;
  const bool is_fixed =
      static_cast<DType>(row.source_dtype) == DType::kUint8 && fits_fixed_point(row, source);
  if (!is_bicubic(row)) return is_fixed ? SamplingKind::kFixedBilinear : SamplingKind::kBilinear;
  return is_fixed && has_packed_bytes(row, source) ? SamplingKind::kFixedBicubic : SamplingKind::kBicubic;
}

}  // namespace
}  // namespace augsynth
