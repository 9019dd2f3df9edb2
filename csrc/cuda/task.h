// What the threads of a step work on: one task a sample, plain data whose pointers are the device's.
#pragma once

#include <cstdint>

#include "pass/missing.h"
#include "pixel/job.h"

namespace augsynth {
namespace {

// How the pixels of an output follow each other in memory.
enum class Order : std::uint8_t {
  kPlanes,  // by channels, and in each of them without gaps
  kPixels,  // all channels of a pixel, and then the next one's, without gaps
  kOther
};

// The source's pixel for each of the output's on an axis, where a map only moves whole pixels, or mirrors
// them.
struct Move {
  std::int32_t first, step;

  AUGSYNTH_HD int of(int at) const { return first + step * at; }
};

// A job, and the part of its output that is written.
template <int kMost>
struct Task {
  Job<kMost> job;
  std::int32_t left, top, width, height;
  Order order;
  bool moves;  // pixels, as `across` and `down` say
  Move across, down;
};

// Kernels are compiled for kinds of tasks. Those for quick ones have no code for what few rows need and what
// would take registers from all: sources other than bytes, bicubic sampling, displacements, wide filters,
// means, and noise of 32 bits.
template <int kChannels, bool kIsQuick>
struct Kind {
  static constexpr int kMost = kChannels;
  static constexpr bool kQuick = kIsQuick;
  static constexpr int kNumber = 2 * kChannels + kIsQuick;
};

// Of a row that is neither reduced first nor has to have its axes swapped.
inline bool is_quick(const PlanRow& row, const SourceView& source) {
  const SamplingKind sampler = choose_sampler(row, source);
  const bool samples = sampler == SamplingKind::kNearest || sampler == SamplingKind::kFixedBilinear ||
                       sampler == SamplingKind::kFixedFilter;
  const Noise noise = static_cast<Noise>(row.noise);
  const bool draws = noise == Noise::kNone || noise == Noise::kGaussian || noise == Noise::kUniform ||
                     noise == Noise::kSpeckle;
  return samples && draws && row.displacement < 0 && static_cast<DType>(row.source_dtype) == DType::kUint8;
}

// Where the sums of a picture lie whose means a colour map looks at: those of `lines` for each line and
// channel, those of `parts` for each line, chunk, adder and channel.
struct Measure {
  double *parts, *lines;
  const ColourMap* map;
  std::int32_t chunks;
};

// A source whose missing values are filled, in a copy that is interleaved and without gaps.
template <typename T>
struct FillTask {
  SourceView source;
  std::int32_t width, height, channels;
  Mark<T> is_missing;
  const MissingRule* rule;
  T* copy;
  double *sums, *means;  // of each line's channels; of the channels
  std::int64_t* counts;  // of what is present, for each line's channels
};

}  // namespace
}  // namespace augsynth
