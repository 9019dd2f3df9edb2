// Part of stages.inl: what stands for the pixels outside the source.
#pragma once

#include "stages/chunk.inl"

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

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
