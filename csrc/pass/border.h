// The pixels that replace those outside the source, on one of its axes.
#pragma once

#include <cstddef>

#include "core/host_device.h"
#include "pass/tile.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

struct Axis {
  int size;
  std::ptrdiff_t stride;
  Border border;
};

inline Axis x_axis(const PlanRow& row, const SourceView& source) {
  return {row.source_size[1], source.stride_x, static_cast<Border>(row.border)};
}

inline Axis y_axis(const PlanRow& row, const SourceView& source) {
  return {row.source_size[0], source.stride_y, static_cast<Border>(row.border)};
}

// True if antialiasing leaves out taps outside the source instead of mapping them.
AUGSYNTH_HD inline bool leaves_out(Border border) {
  return border == Border::kReplicate || border == Border::kConstant;
}

AUGSYNTH_HD inline int modulo(int value, int period) {
  const int rest = value % period;
  return rest < 0 ? rest + period : rest;
}

AUGSYNTH_HD inline int map_outside(const Axis& axis, int index) {
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

AUGSYNTH_HD inline int inside(const Axis& axis, int index) {
  return index >= 0 && index < axis.size ? index : map_outside(axis, index);
}

}  // namespace
}  // namespace augsynth
