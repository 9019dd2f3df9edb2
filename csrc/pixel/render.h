// Rendering one pixel: what a launcher calls. The same arithmetic as that of the vectors in
// csrc/vectors/stages, to the bit.
//
// A launcher has, for each sample and on the host,
//   * a row that is_reduced() (pass/antialias.h) made into two: reduction_of(row), without entries, writes
//     the memory that lay_out_reduced() describes, and warp_of(row) reads it;
//   * prepare() make the job, whose pointers may be a device's;
// and then, in this order, wherever the pixels are rendered,
//   1. missing values filled, where the row has a rule: pixel/missing.h
//   2. where is_filter(job.sampler), weigh_column() and weigh_line() called for each column and line of the
//   box
//      that prepare() was given;
//   3. means taken, where the colour map looks at them: pixel/means.h
//   4. render() and store() for each pixel.
// kMost is the number of channels where that is 1, 3 or 4, and else 16.
#pragma once

#include "pixel/change.h"
#include "pixel/noise.h"
#include "pixel/sample.h"
#include "pixel/sample_filter.h"

namespace augsynth {
namespace {

template <typename T, int kMost>
AUGSYNTH_HD void sample_any(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  switch (job.sampler) {
    case SamplingKind::kNearest:
      return sample_taps<T, Nearest>(job, x, y, value);
    case SamplingKind::kBilinear:
      return sample_taps<T, Bilinear>(job, x, y, value);
    case SamplingKind::kBicubic:
      return sample_taps<T, Bicubic>(job, x, y, value);
    case SamplingKind::kFloatFilter:
      return sample_filter<T, RealSums<float>>(job, x, y, value);
    default:
      return sample_filter<T, RealSums<double>>(job, x, y, value);
  }
}

// Before anything is done to it, in units of 1 / job.unit levels.
template <int kMost>
AUGSYNTH_HD void sample(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  switch (job.sampler) {
    case SamplingKind::kFixedBilinear:
      return sample_fixed_bilinear(job, x, y, value);
    case SamplingKind::kFixedBicubic:
      return sample_fixed_bicubic(job, x, y, value);
    case SamplingKind::kFixedFilter:
      return sample_filter<std::uint8_t, FixedSums>(job, x, y, value);
    default:
      break;
  }
  switch (job.source_dtype) {
    case DType::kUint8:
      return sample_any<std::uint8_t>(job, x, y, value);
    case DType::kUint16:
      return sample_any<std::uint16_t>(job, x, y, value);
    default:
      return sample_any<float>(job, x, y, value);
  }
}

// What means are taken of.
template <int kMost>
AUGSYNTH_HD void render_plain(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  sample(job, x, y, value);
  if (job.is_blended) blend_fill(job, x, y, value);
  if (job.lut != nullptr) look_up(job, value);
}

// The rest, with the bits of draw_bits() or those that the launcher found in their stead.
template <int kMost>
AUGSYNTH_HD void change(const Job<kMost>& job, int x, int y, const std::uint32_t (&bits)[kMost],
                        float (&value)[kMost]) {
  if (job.has_mix) mix_channels(job, value);
  add_noise(job, bits, value);
  for (int c = 0; c < channels_of(job); ++c) value[c] = at_most(at_least(value[c], job.low), job.high);
  erase(job, x, y, value);
  for (int c = 0; c < channels_of(job); ++c) value[c] = value[c] * job.gain[c] + job.bias[c];
}

// The pixel (x, y) of the output, ready to be rounded to its dtype.
template <int kMost>
AUGSYNTH_HD void render(const Job<kMost>& job, int x, int y, float (&value)[kMost]) {
  std::uint32_t bits[kMost] = {};
  draw_bits(job, x, y, bits);
  render_plain(job, x, y, value);
  change(job, x, y, bits, value);
}

template <typename T, int kMost>
AUGSYNTH_HD void store_as(const Job<kMost>& job, int x, int y, const float (&value)[kMost]) {
  unsigned char* to = job.output.data + y * job.output.stride_y + x * job.output.stride_x;
  for (int c = 0; c < channels_of(job); ++c) {
    T element;
    put(&element, value[c]);
    __builtin_memcpy(to + c * job.output.stride_c, &element, sizeof element);
  }
}

template <int kMost>
AUGSYNTH_HD void store(const Job<kMost>& job, int x, int y, const float (&value)[kMost]) {
  switch (job.output_dtype) {
    case DType::kUint8:
      return store_as<std::uint8_t>(job, x, y, value);
    case DType::kUint16:
      return store_as<std::uint16_t>(job, x, y, value);
    case DType::kFloat16:
      return store_as<Half>(job, x, y, value);
    case DType::kBfloat16:
      return store_as<Brain>(job, x, y, value);
    default:
      return store_as<float>(job, x, y, value);
  }
}

}  // namespace
}  // namespace augsynth
