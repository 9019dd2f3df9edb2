// The way in which an antialiased row is rendered. The driver, which allocates working memory, and the stages
// decide it by the same functions.
#pragma once

#include "pass/tile.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

inline bool is_bicubic(const PlanRow& row) {
  return static_cast<Interpolation>(row.interpolation) == Interpolation::kBicubic;
}

// True if x depends on the output's y alone, and y on its x.
inline bool swaps_axes(const PlanRow& row) {
  return is_affine(row) && row.inverse[0] == 0.0 && row.inverse[4] == 0.0;
}

// The row that gives the same picture from a source whose axes are swapped.
inline PlanRow with_axes_swapped(const PlanRow& row) {
  PlanRow swapped = row;
  for (int i = 0; i < 3; ++i) {
    swapped.inverse[i] = row.inverse[3 + i];
    swapped.inverse[3 + i] = row.inverse[i];
  }
  for (int i = 0; i < 2; ++i) {
    swapped.edge[i] = row.edge[1 - i];
    swapped.support[i] = row.support[1 - i];
    swapped.source_size[i] = row.source_size[1 - i];
  }
  return swapped;
}

inline SourceView with_axes_swapped(const SourceView& source) {
  return {source.data, source.stride_x, source.stride_y, source.stride_c};
}

// ---- Filters along the axes; an axis is 0 for x and 1 for y ----------------------------------------------

inline double filter_support(const PlanRow& row, int axis) { return row.antialias ? row.support[axis] : 1.0; }

// The filter's reach in source pixels.
inline double filter_radius(const PlanRow& row, int axis) {
  return filter_support(row, axis) * (is_bicubic(row) ? 2.0 : 1.0);
}

// A filter centred anywhere touches no more pixels than this, with one to spare.
inline std::ptrdiff_t most_taps(const PlanRow& row, int axis) {
  return static_cast<std::ptrdiff_t>(2.0 * filter_radius(row, axis)) + 2;
}

// True if antialiasing makes a difference.
inline bool is_smoothed(const PlanRow& row) {
  return row.antialias && static_cast<Interpolation>(row.interpolation) != Interpolation::kNearest &&
         (is_bicubic(row) || row.support[0] > 1.0 || row.support[1] > 1.0);
}

// True if samples are sums along the axes.
inline bool is_filtered(const PlanRow& row) { return is_axis_aligned(row) && is_smoothed(row); }

constexpr int kMostTaps = 130;  // more would leave too few bits for each

// True if the taps of a chunk are kept in tables: there are few of them, and the map passes over few columns.
inline bool has_few_taps(const PlanRow& row) {
  const double step = row.inverse[0] < 0.0 ? -row.inverse[0] : row.inverse[0];
  return most_taps(row, 0) < kMostTaps && most_taps(row, 1) < kMostTaps &&
         step <= 2.0 * filter_support(row, 0);
}

inline bool is_filtered_fixed(const PlanRow& row) {
  return (is_filtered(row) || (is_axis_aligned(row) && is_bicubic(row))) && has_few_taps(row) &&
         static_cast<DType>(row.source_dtype) == DType::kUint8;
}

// ---- Maps that turn the picture: made smaller first, then warped ------------------------------------

// The size of the smaller picture on an axis.
inline std::int32_t reduced_size(const PlanRow& row, int axis) {
  const double size = row.source_size[1 - axis] / row.support[axis] + 0.5;
  return size < 1.0 ? 1 : static_cast<std::int32_t>(size);
}

inline bool is_reduced(const PlanRow& row) {
  return is_smoothed(row) && !is_axis_aligned(row) && !swaps_axes(row) &&
         (reduced_size(row, 0) != row.source_size[1] || reduced_size(row, 1) != row.source_size[0]);
}

// The row that makes the source smaller, in its own dtype.
inline PlanRow reduction_of(const PlanRow& row) {
  PlanRow reduction{};
  reduction.inverse[8] = 1.0;
  for (int axis = 0; axis < 2; ++axis) {
    const std::int32_t size = row.source_size[1 - axis], reduced = reduced_size(row, axis);
    reduction.source_size[1 - axis] = size;
    reduction.output_size[1 - axis] = reduced;
    reduction.support[axis] = reduction.inverse[4 * axis] = static_cast<double>(size) / reduced;
    reduction.edge[axis] = 1.0;
    reduction.clamp[axis] = axis ? __builtin_inf() : -__builtin_inf();
  }
  for (int c = 0; c < row.channels; ++c) reduction.gain[c] = 1.0;
  reduction.channels = row.channels;
  reduction.displacement = -1;
  reduction.source_dtype = reduction.output_dtype = row.source_dtype;
  reduction.interpolation = row.interpolation;
  reduction.antialias = 1;
  const bool constant = static_cast<Border>(row.border) == Border::kConstant;
  reduction.border = constant ? static_cast<std::uint8_t>(Border::kReplicate) : row.border;
  return reduction;
}

// The row that renders the output from the smaller picture.
inline PlanRow warp_of(const PlanRow& row) {
  PlanRow warp = row;
  warp.antialias = 0;
  for (int axis = 0; axis < 2; ++axis) {
    const std::int32_t size = reduced_size(row, axis);
    const double ratio = static_cast<double>(size) / row.source_size[1 - axis];
    for (int i = 0; i < 3; ++i) warp.inverse[3 * axis + i] *= ratio;
    warp.edge[axis] *= ratio;
    warp.support[axis] = 1.0;
    warp.source_size[1 - axis] = size;
  }
  return warp;
}

// The tables' entries of that row. `room` holds the row's own displacement.
inline Entries warp_of(const Entries& entries, const PlanRow& row, Displacement& room) {
  Entries warped = entries;
  if (entries.displacement == nullptr) return warped;
  room = *entries.displacement;
  for (int axis = 0; axis < 2; ++axis) {
    const double ratio = static_cast<double>(reduced_size(row, axis)) / row.source_size[1 - axis];
    for (int i = 0; i < 3; ++i) room.after[3 * axis + i] *= ratio;
  }
  warped.displacement = &room;
  return warped;
}

// The pixels [begin, end) of an axis on which positions from `low` to `high` lie, and those that
// interpolation looks at beside them, after the border has mapped those outside.
inline Range seen_pixels(double low, double high, int size, Border border) {
  constexpr int kBeside = 3;
  const int begin = static_cast<int>(low) - kBeside, end = static_cast<int>(high) + kBeside;
  if (begin >= 0 && end <= size) return {begin, end};
  const Range all{0, size};
  switch (border) {
    case Border::kWrap:
      return all;
    case Border::kReflect:
    case Border::kReflect101: {
      if ((begin < 0 && end > size) || begin < -size || end > 2 * size) return all;
      const int mirrored_end = 1 - begin < size ? 1 - begin : size;
      const int mirrored_begin = 2 * size - 2 - end > 0 ? 2 * size - 2 - end : 0;
      if (begin < 0) return {0, end > mirrored_end ? end : mirrored_end};
      return {begin < mirrored_begin ? begin : mirrored_begin, size};
    }
    default:
      const int first = begin < 0 ? 0 : (begin < size ? begin : size - 1);
      return {first, end > size ? size : (end > first ? end : first + 1)};
  }
}

// The pixels of the smaller picture that the output lines [begin, end) look at.
inline Box seen_under(const PlanRow& warp, int begin, int end) {
  if (warp.displacement >= 0) return {{0, warp.source_size[1]}, {0, warp.source_size[0]}};
  const Extent extent = extent_under(warp, begin, end);
  const Border border = static_cast<Border>(warp.border);
  return {seen_pixels(extent.low[0], extent.high[0], warp.source_size[1], border),
          seen_pixels(extent.low[1], extent.high[1], warp.source_size[0], border)};
}

// ---- Working memory ---------------------------------------------------------------------------------

// Two source lines and their weights.
struct LinePair {
  const unsigned char *upper, *lower;
  std::int32_t weights;
};

struct FixedFilterMemory {
  LinePair* lines;
  std::int32_t* first;    // element of the line where a column's taps begin
  std::int32_t* weights;  // pairs
  std::int16_t* line;
};

constexpr int kOverread = 8;  // columns behind the last one that may be read with it

// Elements of the line that a chunk is summed from.
inline std::ptrdiff_t line_capacity(const PlanRow& row) {
  const double step = row.inverse[0] < 0.0 ? -row.inverse[0] : row.inverse[0];
  return (static_cast<std::ptrdiff_t>(step * kChunk) + 2 * most_taps(row, 0) + kOverread) * row.channels;
}

inline FixedFilterMemory lay_out_fixed_filter(const PlanRow& row, Scratch& scratch) {
  return {scratch.take<LinePair>(most_taps(row, 1)), scratch.take<std::int32_t>(kChunk),
          scratch.take<std::int32_t>(2 * (most_taps(row, 0) + 1) * kChunk),
          scratch.take<std::int16_t>(line_capacity(row))};
}

// A source line and its weight.
struct WeighedLine {
  const unsigned char* data;
  float weight;
};

struct FloatFilterMemory {
  WeighedLine* lines;
  std::int32_t* at;  // elements of the line, by tap and column
  float* weights;
  float* line;
};

inline FloatFilterMemory lay_out_float_filter(const PlanRow& row, Scratch& scratch) {
  const std::ptrdiff_t taps = most_taps(row, 0);
  return {scratch.take<WeighedLine>(most_taps(row, 1)), scratch.take<std::int32_t>(taps * kChunk),
          scratch.take<float>(4 * taps * kChunk), scratch.take<float>(line_capacity(row))};
}

// One source pixel's part in a sample, on one axis.
struct Tap {
  std::ptrdiff_t offset;  // bytes
  double weight;
};

struct WideFilterMemory {
  Tap *across, *down;  // one pixel's
  double* line;        // of the source, the channels side by side
};

// Taps that outnumber the source's pixels are folded together, pixel by pixel.
inline WideFilterMemory lay_out_wide_filter(const PlanRow& row, Scratch& scratch) {
  const auto taps = [&](int axis) {
    const std::ptrdiff_t most = most_taps(row, axis), size = row.source_size[1 - axis];
    return most < size ? most : size;
  };
  return {scratch.take<Tap>(taps(0)), scratch.take<Tap>(taps(1)),
          scratch.take<double>(static_cast<std::ptrdiff_t>(row.source_size[1]) * row.channels)};
}

// Part of the smaller picture.
struct ReducedMemory {
  Box box;
  unsigned char* data;
  std::ptrdiff_t item, pixel, line;  // bytes

  // The address that the whole picture's first pixel would have.
  unsigned char* origin() const { return data - box.y.begin * line - box.x.begin * pixel; }
  OutputView output() const { return {origin(), item, line, pixel}; }
  SourceView source() const { return {origin(), line, pixel, item}; }
};

inline ReducedMemory lay_out_reduced(const PlanRow& warp, int begin, int end, Scratch& scratch) {
  ReducedMemory reduced;
  reduced.box = seen_under(warp, begin, end);
  const int lines = reduced.box.y.end - reduced.box.y.begin,
            columns = reduced.box.x.end - reduced.box.x.begin;
  reduced.item = item_size(static_cast<DType>(warp.source_dtype));
  reduced.pixel = reduced.item * warp.channels;
  reduced.line = reduced.pixel * columns;
  reduced.data = scratch.take<unsigned char>(reduced.line * lines + Scratch::kAlignment);
  return reduced;
}

// Lays out the memory of a row along the axes, for the sampler that stages.inl chooses.
inline void lay_out_filter(const PlanRow& row, Scratch& scratch) {
  if (is_filtered_fixed(row))
    lay_out_fixed_filter(row, scratch);
  else if (is_filtered(row) && has_few_taps(row))
    lay_out_float_filter(row, scratch);
  else if (is_filtered(row))
    lay_out_wide_filter(row, scratch);
}

// The bytes that the output lines [begin, end) need.
inline std::size_t bytes_for_vectors(const PlanRow& row, int begin, int end) {
  Scratch scratch(nullptr);
  if (is_reduced(row)) {
    lay_out_reduced(warp_of(row), begin, end, scratch);
    lay_out_filter(reduction_of(row), scratch);
  } else if (is_smoothed(row) && swaps_axes(row)) {
    lay_out_filter(with_axes_swapped(row), scratch);
  } else {
    lay_out_filter(row, scratch);
  }
  return scratch.used();
}

}  // namespace
}  // namespace augsynth
