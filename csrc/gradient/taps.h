// The positions of an output's pixels in the source, and the weights of their taps.
#pragma once

#include "gradient/linear_pass.h"
#include "pass/arithmetic.h"
#include "pass/border.h"

namespace augsynth {
namespace {

constexpr double kFarthest = 16777216.0;  // 2^24, within which positions are exact enough, and fit an int

// Moves a position to the nearer bound, and NaN to the lower one, so that no map leads outside memory.
AUGSYNTH_HD inline double bounded(double s) {
  if (!(s > -kFarthest)) return -kFarthest;
  return s < kFarthest ? s : kFarthest;
}

// The source's, at the centre of an output pixel.
AUGSYNTH_HD inline Position locate(const double* m, int x, int y) {
  const double px = x + 0.5, py = y + 0.5;
  const double sx = linear(m, px, py), sy = linear(m + 3, px, py);
  if (is_affine_matrix(m)) return {bounded(sx), bounded(sy)};
  const double w = linear(m + 6, px, py);
  return {bounded(sx / w), bounded(sy / w)};
}

// Along one axis, in elements from its first. kCount is 1 for nearest sampling and 2 for bilinear.
template <typename T, int kCount>
struct AxisTaps {
  std::int64_t at[kCount];
  T weight[kCount];
};

template <typename T>
AUGSYNTH_HD void place(const Axis& axis, double s, AxisTaps<T, 1>& taps) {
  taps = {{inside(axis, floor_to_int(s)) * axis.stride}, {T{1}}};
}

template <typename T>
AUGSYNTH_HD void place(const Axis& axis, double s, AxisTaps<T, 2>& taps) {
  const int first = floor_to_int(s - 0.5);
  const double f = s - 0.5 - first;
  taps = {{inside(axis, first) * axis.stride, inside(axis, first + 1) * axis.stride},
          {static_cast<T>(1.0 - f), static_cast<T>(f)}};
}

// The share of the source that a position sees along one axis, 0 to 1.
AUGSYNTH_HD inline double covered(double s, int size, double edge) {
  if (2.0 * s >= edge && 2.0 * (size - s) >= edge) return 1.0;  // most pixels, without dividing
  return within(0.5 + s / edge, 0.0, 1.0) * within(0.5 + (size - s) / edge, 0.0, 1.0);
}

template <typename T, int kCount>
struct LinearTaps {
  AxisTaps<T, kCount> x, y;
  T cover;  // the rest is the border's fill
};

// The taps of the output pixel (x, y) in a source with these strides.
template <int kCount, typename T, typename Source>
AUGSYNTH_HD LinearTaps<T, kCount> find_taps(const LinearMap<T>& map, const ImageBatch<Source>& source, int x,
                                            int y) {
  const Position at = locate(map.inverse, x, y);
  LinearTaps<T, kCount> taps;
  place(Axis{source.width, source.stride_x, map.border}, at.x, taps.x);
  place(Axis{source.height, source.stride_y, map.border}, at.y, taps.y);
  if (map.border != Border::kConstant)
    taps.cover = T{1};
  else if (kCount == 1)
    taps.cover = at.x >= 0.0 && at.x < source.width && at.y >= 0.0 && at.y < source.height ? T{1} : T{0};
  else
    taps.cover =
        static_cast<T>(covered(at.x, source.width, map.edge[0]) * covered(at.y, source.height, map.edge[1]));
  return taps;
}

}  // namespace
}  // namespace augsynth
