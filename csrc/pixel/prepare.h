// From a row and what it points to, to a job. On the host alone.
#pragma once

#include "pass/colour.h"
#include "pass/normal_table.h"
#include "pass/random.h"
#include "pixel/job.h"

namespace augsynth {
namespace {

inline double unit_of(SamplingKind sampler) {
  switch (sampler) {
    case SamplingKind::kFixedBilinear:
      return kFixedUnit;
    case SamplingKind::kFixedBicubic:
      return kBicubicUnit;
    case SamplingKind::kFixedFilter:
      return 1 << kSampleBits;
    default:
      return 1.0;
  }
}

inline NoiseJob noise_of(const PlanRow& row, double unit) {
  const double* p = row.noise_parameters;
  NoiseJob job{static_cast<Noise>(row.noise), {}, 0.0f, 0.0f, p[0], p[1]};
  for (int i = 0; i < 4; ++i) job.stream[i] = row.stream[i];
  const double normal_unit = job.kind == Noise::kSpeckle ? 1.0 : unit;
  switch (job.kind) {
    case Noise::kGaussian:
    case Noise::kSpeckle:
      job.first = static_cast<float>(p[0] * normal_unit);
      job.second = static_cast<float>(p[1] * normal_unit / kNormalScale);
      break;
    case Noise::kUniform: {
      const UniformLevels levels(p[0], p[1], unit);
      job.first = levels.lowest;
      job.second = levels.scale;
      break;
    }
    case Noise::kSaltAndPepper:
      job.first = static_cast<float>(p[2] * unit);
      job.second = static_cast<float>(p[3] * unit);
      break;
    default:
      job.p0 *= unit;
      job.p1 *= unit;
  }
  return job;
}

// ---- Tables of filters ----------------------------------------------------------------------------------

inline std::ptrdiff_t weight_size(SamplingKind sampler) {
  return sampler == SamplingKind::kFixedFilter ? 2 : sampler == SamplingKind::kFloatFilter ? 4 : 8;
}

// The table of a range of columns (axis 0) or lines (axis 1).
inline FilterTable lay_out_table(const PlanRow& row, int axis, Range range, Scratch& scratch) {
  FilterTable table{Filter(row, axis), weight_bits(row, axis), range.begin, 0, nullptr};
  const SamplingKind sampler =
      choose_sampler(row, SourceView{});  // of filters, the source's strides decide none
  if (!is_filter(sampler)) return table;
  std::ptrdiff_t most = most_taps(row, axis), size = row.source_size[1 - axis];
  if (sampler == SamplingKind::kWideFilter && size < most) most = size;  // they are folded then
  constexpr std::ptrdiff_t kAlignment = sizeof(double);
  table.step =
      (static_cast<std::ptrdiff_t>(sizeof(TapsHead)) + most * weight_size(sampler) + kAlignment - 1) /
      kAlignment * kAlignment;
  table.memory = scratch.take<unsigned char>(table.step * (range.end - range.begin));
  return table;
}

struct FilterTables {
  FilterTable across, down;
};

inline FilterTables lay_out_tables(const PlanRow& row, const Box& box, Scratch& scratch) {
  if (is_smoothed(row) && swaps_axes(row)) return lay_out_tables(with_axes_swapped(row), box, scratch);
  return {lay_out_table(row, 0, box.x, scratch), lay_out_table(row, 1, box.y, scratch)};
}

// ---- Jobs -----------------------------------------------------------------------------------------------

template <int kMost>
void set_mix(const Entries& entries, Job<kMost>& job) {
  job.has_mix = entries.colour != nullptr;
  if (!job.has_mix) return;
  job.mixes_some = mixes_some(*entries.colour, job.source_dtype, job.channels);
  job.mix_low = static_cast<float>(entries.colour->clamp[0] * job.unit);
  job.mix_high = static_cast<float>(entries.colour->clamp[1] * job.unit);
  set_offset(entries.offset, job);
  for (int c = 0; c < job.channels; ++c)
    for (int k = 0; k < job.channels; ++k)
      job.mix[c * kMost + k] = static_cast<float>(entries.colour->matrix[c * kMaxChannels + k]);
}

// Of a row that is not reduced first. Of the output, the pixels in `box` may be asked for. `scratch` gives
// memory for the tables of filters, which weigh_column() and weigh_line() fill; over nothing it counts how
// much.
template <int kMost>
Job<kMost> prepare(const PlanRow& row, const Entries& entries, const SourceView& source,
                   const OutputView& output, const Box& box, Scratch& scratch) {
  if (is_smoothed(row) && swaps_axes(row))
    return prepare<kMost>(with_axes_swapped(row), entries, with_axes_swapped(source), output, box, scratch);
  Job<kMost> job{};
  for (int i = 0; i < 9; ++i) job.inverse[i] = row.inverse[i];
  job.sampler = choose_sampler(row, source);
  job.source_dtype = static_cast<DType>(row.source_dtype);
  job.output_dtype = static_cast<DType>(row.output_dtype);
  job.is_affine = is_affine(row);
  job.is_displaced = row.displacement >= 0;
  if (job.is_displaced) job.map = DisplacedMap(*entries.displacement, entries.offsets);
  job.has_ramp = job.is_affine && !(job.sampler == SamplingKind::kFixedBilinear && is_axis_aligned(row));
  job.has_pad = job.sampler == SamplingKind::kFixedBilinear && pads_with_fill(row);
  job.is_blended = static_cast<Border>(row.border) == Border::kConstant && !job.has_pad;
  for (int axis = 0; axis < 2; ++axis) job.is_centred[axis] = meets_centres(row, axis);
  job.channels = row.channels;
  job.source = source.data;
  job.source_stride_c = source.stride_c;
  job.x = x_axis(row, source);
  job.y = y_axis(row, source);
  job.output = output;
  const FilterTables tables = lay_out_tables(row, box, scratch);
  job.across = tables.across;
  job.down = tables.down;
  job.coverage = Coverage(row);
  job.unit = unit_of(job.sampler);
  job.level = static_cast<float>(job.unit);
  job.per_level = static_cast<float>(1.0 / job.unit);
  job.lut = entries.lut;
  job.erasures_begin = entries.erasures_begin;
  job.erasures_end = entries.erasures_end;
  job.noise = noise_of(row, job.unit);
  job.low = static_cast<float>(row.clamp[0] * job.unit);
  job.high = static_cast<float>(row.clamp[1] * job.unit);
  for (int c = 0; c < row.channels; ++c) {
    job.fill[c] = static_cast<float>(row.fill[c] * job.unit);
    if (job.has_pad) job.pad[c] = static_cast<std::uint8_t>(row.fill[c]);
    job.gain[c] = static_cast<float>(row.gain[c] / job.unit);
    job.bias[c] = static_cast<float>(row.bias[c]);
  }
  set_mix(entries, job);
  return job;
}

}  // namespace
}  // namespace augsynth
