// Part of stages.inl: what stands for the pixels outside the source.
#pragma once

#include "chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// One axis of a source image.
struct Axis {
  int size;
  std::ptrdiff_t stride;
  Border border;
};

Axis x_axis(const PlanRow& row, const SourceView& source) {
  return {row.source_size[1], source.stride_x, static_cast<Border>(row.border)};
}

Axis y_axis(const PlanRow& row, const SourceView& source) {
  return {row.source_size[0], source.stride_y, static_cast<Border>(row.border)};
}

int modulo(int value, int period) {
  const int rest = value % period;
  return rest < 0 ? rest + period : rest;
}

int map_outside(const Axis& axis, int index) {
  switch (axis.border) {
    case Border::kReflect: {
      const int at = modulo(index, 2 * axis.size);
      return at < axis.size ? at : 2 * axis.size - 1 - at;
    }
    case Border::kReflect101: {
      if (axis.size == 1) return 0;
      const int period = 2 * (axis.size - 1);
      const int at = modulo(index, period);
      return at < axis.size ? at : period - at;
    }
    case Border::kWrap:
      return modulo(index, axis.size);
    default:
      return index < 0 ? 0 : axis.size - 1;
  }
}

int inside(const Axis& axis, int index) {
  return index >= 0 && index < axis.size ? index : map_outside(axis, index);
}

// The same for the first period on either side, without a division; lanes farther out stay outside.
Ints map_near(const Axis& axis, Ints index) {
  const std::int32_t size = axis.size;
  switch (axis.border) {
    case Border::kReflect: {
      const Ints folded = index ^ (index >> 31);
      return at_most(folded, 2 * size - 1 - folded);
    }
    case Border::kReflect101: {
      const Ints folded = (index ^ (index >> 31)) - (index >> 31);
      return at_most(folded, 2 * (size - 1) - folded);
    }
    case Border::kWrap:
      return index + ((index < 0) & size) - ((index >= size) & size);
    default:
      return at_most(at_least(index, broadcast(0)), broadcast(size - 1));
  }
}

Ints inside(const Axis& axis, Ints index) {
  Ints mapped = map_near(axis, index);
  if (!any_negative(mapped | (axis.size - 1 - mapped))) return mapped;
  for (int i = 0; i < kLanes; ++i) mapped[i] = inside(axis, static_cast<int>(index[i]));
  return mapped;
}

// ---- The constant border ------------------------------------------------------------------------------

double ramp(double distance, double edge) { return within(0.5 + distance / edge, 0.0, 1.0); }

// How much of the sample at (sx, sy) is image rather than fill.
double coverage(const PlanRow& row, double sx, double sy) {
  const double width = row.source_size[1], height = row.source_size[0];
  if (static_cast<Interpolation>(row.interpolation) == Interpolation::kNearest)
    return sx >= 0.0 && sx < width && sy >= 0.0 && sy < height ? 1.0 : 0.0;
  return ramp(sx, row.edge[0]) * ramp(width - sx, row.edge[0]) *
         (ramp(sy, row.edge[1]) * ramp(height - sy, row.edge[1]));
}

struct Range {
  int begin, end;
};

// Narrows the columns to those where first + i * step lies within [low, high], give or take rounding, for
// which a column is left out at either end.
void keep_within(Range& columns, double first, double step, double low, double high) {
  if (absolute(step) < 1e-9) {
    if (first < low + 1e-3 || first > high - 1e-3) columns.end = columns.begin;
    return;
  }
  const double a = (low - first) / step, b = (high - first) / step;
  const double begin = within((a < b ? a : b) + 2.0, columns.begin, columns.end);
  const double end = within((a < b ? b : a) - 1.0, columns.begin, columns.end);
  columns = {static_cast<int>(begin), static_cast<int>(end > begin ? end : begin)};
}

// Columns of the chunk that surely show nothing but the image.
Range covered_columns(const PlanRow& row, const Chunk& chunk) {
  Range columns{0, chunk.count};
  if (!is_affine(row)) return {0, 0};
  const double x = chunk.x + 0.5, y = chunk.y + 0.5;
  for (int axis = 0; axis < 2; ++axis) {
    const double* m = row.inverse + 3 * axis;
    const double margin = 0.5 * row.edge[axis];
    keep_within(columns, linear(m, x, y), m[0], margin, row.source_size[1 - axis] - margin);
  }
  return columns;
}

void blend_columns(const PlanRow& row, double unit, Range columns, Chunk& chunk) {
  double sx[kChunk], sy[kChunk];
  find_positions(row, chunk.x + columns.begin, chunk.y, columns.end - columns.begin, sx, sy);
  for (int i = columns.begin; i < columns.end; ++i) {
    const float k = static_cast<float>(coverage(row, sx[i - columns.begin], sy[i - columns.begin]));
    if (k == 1.0f) continue;
    for (int c = 0; c < row.channels; ++c) {
      const float fill = static_cast<float>(row.fill[c] * unit);
      float& value = chunk.value[c][i];
      value = k == 0.0f ? fill : fill * (1.0f - k) + value * k;
    }
  }
}

// `unit` is what one level of the source is in the chunk's values.
void blend_fill(const PlanRow& row, double unit, Chunk& chunk) {
  const Range covered = covered_columns(row, chunk);
  blend_columns(row, unit, {0, covered.begin}, chunk);
  blend_columns(row, unit, {covered.end, chunk.count}, chunk);
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
