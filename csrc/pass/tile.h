// The arguments of an instruction set's body: one range of output lines of one plan row.
#pragma once

#include "core/plan.h"
#include "core/poll.h"
#include "pass/arithmetic.h"
#include "pass/scratch.h"

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
  bool bypasses = false;  // the caches: planar float32, whose lines begin with a cache line
};

// Whole numbers from `begin` up to, but not including, `end`.
struct Range {
  int begin, end;
};

struct Box {
  Range x, y;
};

constexpr std::ptrdiff_t kCacheLine = 64;  // bytes
constexpr int kChunk = 256;  // output columns: a multiple of all vector widths and of a noise block

// The table entries of a row. Null pointers are entries that the row does not have.
struct Entries {
  const std::uint16_t* lut = nullptr;
  const ColourMap* colour = nullptr;
  const double* offset = nullptr;  // that of the colour map, the means' part included
  const Erasure *erasures_begin = nullptr, *erasures_end = nullptr;
  const Displacement* displacement = nullptr;
  const Offset* offsets = nullptr;  // the first control point of the displacement
  bool measures = false;            // pixels are added up: the output is one double a channel for each line
};

// The bytes of working memory that the output lines [begin, end) need.
using ScratchBytes = std::size_t(const PlanRow& row, int begin, int end);

// Writes the output lines [begin, end). The row, its entries and the views have been validated, and `memory`
// has as many bytes as the ISA asked for, aligned to Scratch::kAlignment. It calls `poll` now and then.
using RunTile = void(const PlanRow& row, const Entries& entries, const SourceView& source,
                     const OutputView& output, int begin, int end, unsigned char* memory, Poll& poll);

// True if the matrix is the whole map, and needs no division.
static inline bool is_affine(const PlanRow& row) {
  return row.displacement < 0 && is_affine_matrix(row.inverse);
}

// True if x depends on the output's x alone, and y on its y.
static inline bool is_axis_aligned(const PlanRow& row) {
  return is_affine(row) && row.inverse[1] == 0.0 && row.inverse[3] == 0.0;
}

// The range of positions on each axis: 0 is x and 1 is y.
struct Extent {
  double low[2], high[2];
};

// The extent of the output lines [begin, end) without a displacement. The corners' positions bound all
// others.
static inline Extent extent_under(const PlanRow& row, int begin, int end) {
  Extent extent;
  for (int corner = 0; corner < 4; ++corner) {
    const double x = corner & 1 ? row.output_size[1] : 0, y = corner & 2 ? end : begin;
    const double* m = row.inverse;
    const double w = m[6] * x + m[7] * y + m[8];
    for (int axis = 0; axis < 2; ++axis, m += 3) {
      const double at = (m[0] * x + m[1] * y + m[2]) / w;
      extent.low[axis] = corner == 0 || at < extent.low[axis] ? at : extent.low[axis];
      extent.high[axis] = corner == 0 || at > extent.high[axis] ? at : extent.high[axis];
    }
  }
  return extent;
}

}  // namespace augsynth
