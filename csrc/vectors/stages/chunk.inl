// Part of stages.inl: the pixels that are processed at a time, and their positions in the source.
#pragma once

#include "pass/arithmetic.h"
#include "pass/tile.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// Values of pixels by channel. Each plane has room for a whole vector behind its last pixel.
struct Planes {
  static constexpr int kPlane = kChunk + kLanes;
  float* first;
  float* operator[](int channel) const { return first + channel * kPlane; }
};

// Source positions of the pixels of a line. Further positions fill the last vector.
struct Located {
  alignas(64) double x[kChunk], y[kChunk];
};

// Pixels on their way through the stages: `count` pixels, which are `width` columns of `lines` output lines.
// The first pixel is (x, y), and each line follows the line before.
struct Chunk {
  int y, x, width, lines, count;
  Planes value;
  const Located* located = nullptr;  // set for a row with a displacement, whose chunks have one line

  // Returns `some` lines of the chunk, beginning with `line`.
  Chunk part(int line, int some) const {
    return {y + line, x, width, some, width * some, {value.first + line * width}, located};
  }
};

// The number of lines that are processed at a time. Short lines are processed together, so that vectors are
// full. A line counts as whole blocks of noise, so that the last vector has room too if lines end within one.
inline int lines_of_chunk(int width) { return kChunk / ((width + 7) / 8 * 8); }

// Source positions of neighbouring pixels.
struct Positions {
  Doubles x, y;
};

// Returns the positions of the pixels from (x, y) on under the row's matrix. Validation checks the corners of
// the output, and all pixels between them are safe too: w is at least its largest corner value over 4 W H.
// The rounding error, about 2^-50 of that value, is smaller for every output that fits into memory.
inline Positions positions_from(const PlanRow& row, int x, int y) {
  const double* m = row.inverse;
  const Doubles at = count_lanes() + (x + 0.5);
  const Doubles u = linear(m, at, y + 0.5), v = linear(m + 3, at, y + 0.5);
  if (is_affine_matrix(m)) return {u, v};
  const Doubles w = linear(m + 6, at, y + 0.5);
  return {u / w, v / w};
}

// Finds the positions of `count` pixels, and further positions that fill the last vector.
void find_positions(const PlanRow& row, int x, int y, int count, double* sx, double* sy) {
  for (int i = 0; i < count; i += kLongLanes) {
    const Positions at = positions_from(row, x + i, y);
    store(sx + i, at.x);
    store(sy + i, at.y);
  }
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
