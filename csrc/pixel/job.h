// One sample as its pixels need it: constants in the units and precision in which they are used, computed
// once a sample. Plain data, which may be copied to a device if its pointers are that device's.
#pragma once

#include "pass/border.h"
#include "pass/coverage.h"
#include "pass/displacement.h"
#include "pass/filter.h"
#include "pass/sampler.h"

namespace augsynth {
namespace {

// Where the filter of an output's column (or line) lies. The weights follow it in memory.
struct TapsHead {
  std::int32_t begin, count;
};

// The filters of the columns (or lines) from `first` on, which are alike for all lines (or columns).
struct FilterTable {
  Filter filter;
  int bits;             // fractional ones of weights in fixed point
  int first;            // the column (or line) that comes first in memory
  std::ptrdiff_t step;  // bytes from one to the next
  unsigned char* memory;
};

struct NoiseJob {
  Noise kind;
  std::uint32_t stream[4];
  float first, second;  // normal: mean and scale; uniform: UniformLevels; salt and pepper: pepper and salt
  double p0, p1;        // those of the row, times the unit where they are levels
};

// kMost, 1, 3, 4 or 16, is the number of channels, and 16 stands for all others.
template <int kMost>
struct Job {
  double inverse[9];
  SamplingKind sampler;
  DType source_dtype, output_dtype;
  bool is_affine;
  bool is_displaced;  // `map` stands in the place of `inverse`
  bool has_ramp;      // fixed-point positions are the first of 256 columns and the distance from it
  bool is_blended;
  bool has_pad;  // taps outside the source find the fill, as levels in `pad`
  bool has_mix;
  bool mixes_some;     // of the channels only: see mixes_some()
  bool is_centred[2];  // positions on x and y: see meets_centres()
  std::int32_t channels;

  const unsigned char* source;
  std::ptrdiff_t source_stride_c;
  Axis x, y;
  OutputView output;

  FilterTable across, down;
  Coverage coverage;
  DisplacedMap map;
  double unit;  // what one level of the source is in sampled values
  const std::uint16_t* lut;
  const Erasure *erasures_begin, *erasures_end;
  NoiseJob noise;
  float level, per_level;  // the unit, and its reciprocal
  float low, high;
  float mix_low, mix_high;
  float fill[kMost], gain[kMost], bias[kMost];
  std::uint8_t pad[kMost];
  float mix_offset[kMost], mix[kMost * kMost];
};

template <int kMost>
AUGSYNTH_HD int channels_of(const Job<kMost>& job) {
  return kMost == kMaxChannels ? job.channels : kMost;
}

// What the colour map adds to each channel, in the source's levels: find_offset() in pass/colour.h knows it
// where the map looks at means.
template <int kMost>
AUGSYNTH_HD void set_offset(const double* offset, Job<kMost>& job) {
  for (int c = 0; c < channels_of(job); ++c) job.mix_offset[c] = static_cast<float>(offset[c] * job.unit);
}

}  // namespace
}  // namespace augsynth
