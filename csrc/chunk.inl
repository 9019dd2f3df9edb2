// Part of stages.inl: the pixels that are worked on at a time, and where they lie in the source.
#pragma once

#include "kernel.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kChunk = 256;  // output columns: a multiple of all vector widths and of a noise block

// A run of pixels of one output line on its way through the stages.
struct Chunk {
  int y, x, count;
  alignas(64) float value[kMaxChannels][kChunk];  // one line a channel
};

double absolute(double value) { return value < 0.0 ? -value : value; }

double within(double value, double low, double high) {
  return value < low ? low : (value > high ? high : value);
}

int floor_to_int(double value) {
  const int truncated = static_cast<int>(value);
  return truncated - (truncated > value);
}

// One row of the matrix at the pixel (x, y).
double linear(const double* m, double x, double y) { return m[0] * x + m[1] * y + m[2]; }

// The positions of `count` pixels from (x, y) on. The corners of a valid row are sound, and so is all between
// them: w there is at least its largest corner value over 4 W H, which rounding, some 2^-50 of that value,
// cannot reach for an output that fits into memory.
void find_positions(const PlanRow& row, int x, int y, int count, double* sx, double* sy) {
  const double* m = row.inverse;
  for (int i = 0; i < count; ++i) {
    sx[i] = linear(m, x + i + 0.5, y + 0.5);
    sy[i] = linear(m + 3, x + i + 0.5, y + 0.5);
  }
  if (is_affine(row)) return;
  for (int i = 0; i < count; ++i) {
    const double w = linear(m + 6, x + i + 0.5, y + 0.5);
    sx[i] /= w;
    sy[i] /= w;
  }
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
