// What the drivers hand to an ISA's body: one range of output lines of one plan row.
#pragma once

#include "plan.h"

namespace augsynth {

// An image to read: height x width x channels, strides in bytes and of either sign.
struct SourceView {
  const unsigned char* data;
  std::ptrdiff_t stride_y, stride_x, stride_c;
};

// An image to write: channels x height x width, strides in bytes. Either planar, the pixels of a line side by
// side (stride_x is the item's size), or interleaved, the channels of a pixel side by side (stride_c is the
// item's size, and stride_x that of all channels). One channel is planar. Lines may run upwards.
struct OutputView {
  unsigned char* data;
  std::ptrdiff_t stride_c, stride_y, stride_x;
};

// One source pixel's part in a sample, on one axis.
struct Tap {
  std::ptrdiff_t offset;  // bytes
  double weight;
};

// Working memory of one worker, for antialiased rows.
struct Scratch {
  Tap *across, *down;  // one pixel's taps
  double* line;        // one line of the source, the channels side by side
};

// Writes the output lines [begin, end). The row and the views have been validated, and `memory` has
// scratch_bytes(row), aligned for a double.
using RunTile = void (*)(const PlanRow& row, const SourceView& source, const OutputView& output, int begin,
                         int end, unsigned char* memory);

static inline bool is_affine(const PlanRow& row) {
  return row.inverse[6] == 0.0 && row.inverse[7] == 0.0 && row.inverse[8] == 1.0;
}

// Whether the position's y depends on the output's y alone.
static inline bool is_upright(const PlanRow& row) { return is_affine(row) && row.inverse[3] == 0.0; }

// Whether x depends on the output's x alone, and y on its y.
static inline bool is_axis_aligned(const PlanRow& row) { return is_upright(row) && row.inverse[1] == 0.0; }

// The antialiasing filter's reach in source pixels; `axis` is 0 for x and 1 for y.
static inline double filter_radius(const PlanRow& row, int axis) {
  const bool bicubic = static_cast<Interpolation>(row.interpolation) == Interpolation::kBicubic;
  return row.support[axis] * (bicubic ? 2.0 : 1.0);
}

// A filter centred anywhere touches at most 2r + 1 pixels, with one to spare for rounding; where the
// source has fewer, their taps are folded together.
static inline std::ptrdiff_t tap_capacity(const PlanRow& row, int axis) {
  const std::ptrdiff_t reach = static_cast<std::ptrdiff_t>(2.0 * filter_radius(row, axis)) + 3;
  const std::ptrdiff_t size = row.source_size[1 - axis];
  return reach < size ? reach : size;
}

static inline std::size_t scratch_bytes(const PlanRow& row) {
  if (!row.antialias) return 0;
  const std::size_t taps = tap_capacity(row, 0) + tap_capacity(row, 1);
  const std::size_t elements =
      is_upright(row) ? static_cast<std::size_t>(row.source_size[1]) * row.channels : 0;
  return taps * sizeof(Tap) + elements * sizeof(double);
}

static inline Scratch lay_out(const PlanRow& row, unsigned char* memory) {
  Tap* across = reinterpret_cast<Tap*>(memory);
  Tap* down = across + tap_capacity(row, 0);
  return {across, down, reinterpret_cast<double*>(down + tap_capacity(row, 1))};
}

}  // namespace augsynth
