// Part of stages.inl: the pixels that are worked on at a time, and where they lie in the source.
#pragma once

#include "pixel/arithmetic.h"
#include "stages/kernel.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// A run of pixels of one output line on its way through the stages.
struct Chunk {
  int y, x, count;
  alignas(64) float value[kMaxChannels][kChunk];  // one line a channel
};

// Source positions of pixels side by side.
struct Positions {
  Doubles x, y;
};

// Of the pixels from (x, y) on. The corners of a valid row are sound, and so is all between them: w there is
// at least its largest corner value over 4 W H, which rounding, some 2^-50 of that value, cannot reach for an
// output that fits into memory.
inline Positions positions_from(const PlanRow& row, int x, int y) {
  const double* m = row.inverse;
  const Doubles at = count_lanes() + (x + 0.5);
  const Doubles u = linear(m, at, y + 0.5), v = linear(m + 3, at, y + 0.5);
  if (is_affine(row)) return {u, v};
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
