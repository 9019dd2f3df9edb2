// What the threads of a step work on: one task a sample, plain data whose pointers are the device's.
#pragma once

#include <cstdint>

#include "pixel/job.h"
#include "pixel/missing.h"

namespace augsynth {
namespace {

// How the pixels of an output follow each other in memory.
enum class Order : std::uint8_t {
  kPlanes,  // by channels, and in each of them without gaps
  kPixels,  // all channels of a pixel, and then the next one's, without gaps
  kOther
};

// A job, and the part of its output that is written.
template <int kMost>
struct Task {
  Job<kMost> job;
  std::int32_t left, top, width, height;
  Order order;
};

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
