// Part of stages.inl: what stands for the pixels outside the source.
#pragma once

#include "pass/border.h"
#include "vectors/stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// As map_outside() for the first period on either side, without a division; lanes farther out stay outside.
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
