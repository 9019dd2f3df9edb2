// The source position of a pixel in a row with a displacement: after(p + d(p)) with p = before(output). d is
// a cubic B-spline.
#pragma once

#include "core/plan.h"
#include "pass/arithmetic.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

// The four control points around a position on one axis, with their weights.
struct Knots {
  std::int32_t first;
  double weight[4];
};

AUGSYNTH_HD inline double inner_knot_weight(double t) {
  return ((3.0 * t - 6.0) * t * t + 4.0) * (1.0 / 6.0);
}

AUGSYNTH_HD inline void weigh_knots(double t, double (&weight)[4]) {
  const double u = 1.0 - t;
  weight[0] = u * u * u * (1.0 / 6.0);
  weight[1] = inner_knot_weight(t);
  weight[2] = inner_knot_weight(u);
  weight[3] = t * t * t * (1.0 / 6.0);
}

// Finds the knots around the coordinate `k`. It is clamped, so that all four are among the `count` control
// points.
AUGSYNTH_HD inline Knots knots_around(double k, std::int32_t count) {
  const double inside = at_most(at_least(k, 1.0), count - 2.0);
  const auto floor = static_cast<std::int32_t>(inside);
  const std::int32_t whole = floor > count - 3 ? count - 3 : floor;
  Knots knots;
  knots.first = whole - 1;
  weigh_knots(inside - whole, knots.weight);
  return knots;
}

// Sums four points with their weights. `step` is the distance from each point to the next one.
AUGSYNTH_HD inline Offset weighed_sum(const Offset* point, std::ptrdiff_t step, const double (&weight)[4]) {
  Offset sum{weight[0] * point->x, weight[0] * point->y};
  for (int i = 1; i < 4; ++i) {
    point += step;
    sum.x += weight[i] * point->x;
    sum.y += weight[i] * point->y;
  }
  return sum;
}

// Plain data. `offsets` points to the first control point of the grid, which may lie on a device.
struct DisplacedMap {
  Displacement entry;
  const Offset* offsets;
  bool is_affine_before, is_affine_after;

  DisplacedMap() = default;

  DisplacedMap(const Displacement& entry, const Offset* offsets)
      : entry(entry),
        offsets(offsets),
        is_affine_before(is_affine_matrix(entry.before)),
        is_affine_after(is_affine_matrix(entry.after)) {}

  AUGSYNTH_HD Position at(double x, double y) const {
    const Position p = transformed(entry.before, is_affine_before, x, y);
    const Offset d = displacement_at(p);
    return transformed(entry.after, is_affine_after, p.x + d.x, p.y + d.y);
  }

 private:
  AUGSYNTH_HD static Position transformed(const double* m, bool is_affine, double x, double y) {
    const double u = linear(m, x, y), v = linear(m + 3, x, y);
    if (is_affine) return {u, v};
    const double w = linear(m + 6, x, y);
    return {u / w, v / w};
  }

  // The sums down come first, and then the sum across: so a line of pixels can share the sums down.
  AUGSYNTH_HD Offset displacement_at(const Position& p) const {
    const std::int32_t columns = entry.grid[1];
    const Knots across = knots_around((p.x - entry.origin[0]) / entry.spacing[0], columns);
    const Knots down = knots_around((p.y - entry.origin[1]) / entry.spacing[1], entry.grid[0]);
    const Offset* first = offsets + static_cast<std::ptrdiff_t>(down.first) * columns + across.first;
    Offset line[4];
    for (int i = 0; i < 4; ++i) line[i] = weighed_sum(first + i, columns, down.weight);
    return weighed_sum(line, 1, across.weight);
  }
};

}  // namespace
}  // namespace augsynth
