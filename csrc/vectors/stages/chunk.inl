// Part of stages.inl: the pixels that are worked on at a time, and where they lie in the source.
#pragma once

#include "pass/arithmetic.h"
#include "pass/tile.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// Values of pixels by channel. A vector that begins within a plane ends in it.
struct Planes {
  static constexpr int kPlane = kChunk + kLanes;
  float* first;
  float* operator[](int channel) const { return first + channel * kPlane; }
};

// Source positions of the pixels of a line, and of those that fill up the last vector.
struct Located {
  alignas(64) double x[kChunk], y[kChunk];
};

// Pixels on their way through the stages: `width` columns of `lines` output lines from (x, y) on, one line
// behind the other, `count` in all.
struct Chunk {
  int y, x, width, lines, count;
  Planes value;
  const Located* located = nullptr;  // of one line, where the row's matrix is not all of the map

  // Some of its lines, from the given one on.
  Chunk part(int line, int some) const {
    return {y + line, x, width, some, width * some, {value.first + line * width}, located};
  }
};

// So many lines are worked on at a time that the vectors are full where lines are short. Each counts as whole
// blocks of noise, and where one ends in the middle of a vector, the last one still has room for it.
inline int lines_of_chunk(int width) { return kChunk / ((width + 7) / 8 * 8); }

// Source positions of pixels side by side.
struct Positions {
  Doubles x, y;
};

// Of the pixels from (x, y) on under the row's matrix. The corners of a valid row are sound, and so is all
// between them: w there is at least its largest corner value over 4 W H, which rounding, some 2^-50 of that
// value, cannot reach for an output that fits into memory.
inline Positions positions_from(const PlanRow& row, int x, int y) {
  const double* m = row.inverse;
  const Doubles at = count_lanes() + (x + 0.5);
  const Doubles u = linear(m, at, y + 0.5), v = linear(m + 3, at, y + 0.5);
  if (m[6] == 0.0 && m[7] == 0.0 && m[8] == 1.0) return {u, v};
  const Doubles w = linear(m + 6, at, y + 0.5);
  return {u / w, v / w};
}

// Of `count` pixels, and of those that fill up the last vector.
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
