// The share of a sample that is image and not fill, under the constant border.
#pragma once

#include "pass/arithmetic.h"
#include "pass/tile.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

struct Coverage {
  bool is_nearest, has_room;
  double size[2], per_edge[2];  // x, y

  Coverage() = default;

  explicit Coverage(const PlanRow& row)
      : is_nearest(static_cast<Interpolation>(row.interpolation) == Interpolation::kNearest), has_room(true) {
    for (int axis = 0; axis < 2; ++axis) {
      size[axis] = row.source_size[1 - axis];
      per_edge[axis] = reciprocal(row.edge[axis]);
      has_room &= size[axis] >= 2.0 * row.edge[axis];
    }
  }

  // At a position; D is double, or vectors of it.
  template <typename D>
  AUGSYNTH_HD D at(D x, D y) const {
    if (is_nearest) return is_inside(x, y) ? D{} + 1.0 : D{};
    if (has_room)  // for one end's ramp only: the other's is 1
      return ramp(nearer_end(x, 0), 0) * ramp(nearer_end(y, 1), 1);
    return ramp(x, 0) * ramp(size[0] - x, 0) * (ramp(y, 1) * ramp(size[1] - y, 1));
  }

 private:
  // Finite, as infinity times the distance 0 would be NaN.
  static double reciprocal(double edge) { return edge < 1e-300 ? 1e300 : 1.0 / edge; }

  template <typename D>
  AUGSYNTH_HD auto is_inside(D x, D y) const {
    return (x >= 0.0) & (x < size[0]) & (y >= 0.0) & (y < size[1]);
  }

  template <typename D>
  AUGSYNTH_HD D nearer_end(D at, int axis) const {
    return at_most(at, size[axis] - at);
  }

  template <typename D>
  AUGSYNTH_HD D ramp(D distance, int axis) const {
    return at_most(at_least(0.5 + distance * per_edge[axis], D{}), D{} + 1.0);
  }
};

}  // namespace
}  // namespace augsynth
