// Where the pixels of an output lie in the source, and how much each of their taps weighs.
#pragma once

#include "gradient/linear_pass.h"

namespace augsynth {

constexpr double kFarthest = 16777216.0;  // 2^24, within which positions are exact enough, and fit an int

// What lies beyond is moved to the bound, and NaN to the lower one: no map leads outside memory.
AUGSYNTH_HD inline double bounded(double s) {
  if (!(s > -kFarthest)) return -kFarthest;
  return s < kFarthest ? s : kFarthest;
}

AUGSYNTH_HD inline int floor_of(double s) {
  const int truncated = static_cast<int>(s);
  return truncated - (truncated > s);
}

AUGSYNTH_HD inline int positive_rest(int value, int period) {
  const int rest = value % period;
  return rest < 0 ? rest + period : rest;
}

// What stands for a pixel outside.
AUGSYNTH_HD inline int fold(int index, int size, Border border) {
  if (index >= 0 && index < size) return index;
  if (border == Border::kWrap) return positive_rest(index, size);
  if (border == Border::kReflect) {
    const int at = positive_rest(index, 2 * size);
    return at < size ? at : 2 * size - 1 - at;
  }
  if (border == Border::kReflect101) {
    const int period = size > 1 ? 2 * (size - 1) : 1;
    const int at = positive_rest(index, period);
    return at < size ? at : period - at;
  }
  return index < 0 ? 0 : size - 1;
}

// How much of the source a position sees along one axis, 0 to 1.
AUGSYNTH_HD inline double covered(double s, int size, double edge) {
  const double low = 0.5 + s / edge, high = 0.5 + (size - s) / edge;
  return (low < 0.0 ? 0.0 : low < 1.0 ? low : 1.0) * (high < 0.0 ? 0.0 : high < 1.0 ? high : 1.0);
}

// kCount is 1 for nearest sampling and 2 for bilinear.
template <typename T, int kCount>
struct Taps {
  std::int64_t at[kCount * kCount];  // elements from the plane's first
  T weight[kCount * kCount];
  T cover;  // the rest is the border's fill
};

template <typename T>
AUGSYNTH_HD void place(double sx, double sy, const LinearMap<T>& map, int height, int width, int (&x)[1],
                       int (&y)[1], T (&across)[1], T (&down)[1], T& cover) {
  const bool is_inside = sx >= 0.0 && sx < width && sy >= 0.0 && sy < height;
  x[0] = fold(floor_of(sx), width, map.border);
  y[0] = fold(floor_of(sy), height, map.border);
  across[0] = down[0] = T{1};
  cover = map.border != Border::kConstant || is_inside ? T{1} : T{0};
}

template <typename T>
AUGSYNTH_HD void place(double sx, double sy, const LinearMap<T>& map, int height, int width, int (&x)[2],
                       int (&y)[2], T (&across)[2], T (&down)[2], T& cover) {
  const int left = floor_of(sx - 0.5), top = floor_of(sy - 0.5);
  const double fx = sx - 0.5 - left, fy = sy - 0.5 - top;
  for (int i = 0; i < 2; ++i) {
    x[i] = fold(left + i, width, map.border);
    y[i] = fold(top + i, height, map.border);
    across[i] = static_cast<T>(i ? fx : 1.0 - fx);
    down[i] = static_cast<T>(i ? fy : 1.0 - fy);
  }
  cover = map.border != Border::kConstant
              ? T{1}
              : static_cast<T>(covered(sx, width, map.edge[0]) * covered(sy, height, map.edge[1]));
}

// Of the output pixel (x, y), in a source of these strides.
template <int kCount, typename T, typename Source>
AUGSYNTH_HD Taps<T, kCount> find_taps(const LinearMap<T>& map, const Planes<Source>& source, int x, int y) {
  const double* m = map.inverse;
  const double px = x + 0.5, py = y + 0.5;
  double sx = m[0] * px + m[1] * py + m[2], sy = m[3] * px + m[4] * py + m[5];
  if (m[6] != 0.0 || m[7] != 0.0 || m[8] != 1.0) {
    const double w = m[6] * px + m[7] * py + m[8];
    sx /= w;
    sy /= w;
  }
  int column[kCount], line[kCount];
  T across[kCount], down[kCount];
  Taps<T, kCount> taps;
  place(bounded(sx), bounded(sy), map, source.height, source.width, column, line, across, down, taps.cover);
  for (int j = 0, k = 0; j < kCount; ++j)
    for (int i = 0; i < kCount; ++i, ++k) {
      taps.at[k] = source.offset(column[i], line[j]);
      taps.weight[k] = down[j] * across[i];
    }
  return taps;
}

}  // namespace augsynth
