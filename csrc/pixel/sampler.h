// Which of the ways of sampling a row takes: each has an arithmetic of its own, as "How the native executors
// compute" in docs/design/numerics.md says.
#pragma once

#include "pixel/fixed.h"
#include "stages/antialias.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

enum class Sampler : std::uint8_t {
  kNearest,
  kBilinear,       // in float32
  kBicubic,        // the same
  kFixedBilinear,  // uint8 in fixed point
  kFixedBicubic,   // the same
  kFixedFilter,    // uint8 along the axes, in fixed point
  kFloatFilter,    // along the axes in float32
  kWideFilter      // along the axes in float64, with many taps
};

inline bool is_filter(Sampler sampler) { return sampler >= Sampler::kFixedFilter; }

// Whether an image of bytes is interleaved, with three or four channels.
inline bool has_packed_bytes(const PlanRow& row, const SourceView& source) {
  return (row.channels == 3 || row.channels == 4) && source.stride_c == 1 && source.stride_x == row.channels;
}

// Of a row that is neither reduced first nor swaps its axes under a filter.
inline Sampler choose_sampler(const PlanRow& row, const SourceView& source) {
  if (is_filtered_fixed(row)) return Sampler::kFixedFilter;
  if (is_filtered(row)) return has_few_taps(row) ? Sampler::kFloatFilter : Sampler::kWideFilter;
  if (static_cast<Interpolation>(row.interpolation) == Interpolation::kNearest) return Sampler::kNearest;
  const bool is_fixed =
      static_cast<DType>(row.source_dtype) == DType::kUint8 && fits_fixed_point(row, source);
  if (!is_bicubic(row)) return is_fixed ? Sampler::kFixedBilinear : Sampler::kBilinear;
  return is_fixed && has_packed_bytes(row, source) ? Sampler::kFixedBicubic : Sampler::kBicubic;
}

}  // namespace
}  // namespace augsynth
