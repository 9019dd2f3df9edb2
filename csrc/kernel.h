// What the drivers hand to an ISA's body: one range of output lines of one plan row.
#pragma once

#include "plan.h"

namespace augsynth {

// An image to read: height x width x channels, strides in bytes and of either sign.
struct SourceView {
  const unsigned char* data;
  std::ptrdiff_t stride_y, stride_x, stride_c;
};

// An image to write: channels x height x width, the elements of a line side by side.
struct OutputView {
  unsigned char* data;
  std::ptrdiff_t stride_c, stride_y;
};

// One source pixel's part in a sample, on one axis.
struct Tap {
  std::ptrdiff_t offset;  // bytes
  double weight;
};

// Writes the output lines [begin, end). The row and the views have been validated, and `scratch` has
// room for scratch_taps(row).
using RunTile = void (*)(const PlanRow& row, const SourceView& source, const OutputView& output, int begin,
                         int end, Tap* scratch);

static inline bool is_affine(const PlanRow& row) {
  return row.inverse[6] == 0.0 && row.inverse[7] == 0.0 && row.inverse[8] == 1.0;
}

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

static inline std::ptrdiff_t scratch_taps(const PlanRow& row) {
  return row.antialias ? tap_capacity(row, 0) + tap_capacity(row, 1) : 0;
}

}  // namespace augsynth
