// Part of stages.inl: the source positions of a line of pixels under a displacement. They have the bits that
// pass/displacement.h defines.
#pragma once

#include "pass/displacement.h"
#include "vectors/stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

using Pair = double __attribute__((vector_size(16)));  // an Offset, on every ISA

// The knots of the pixels of a chunk on one axis.
struct LineKnots {
  std::int32_t first[kChunk];
  double weight[4][kChunk];

  void find(const double* at, double origin, double spacing, std::int32_t points, int count) {
    for (int i = 0; i < count; ++i) {
      const Knots knots = knots_around((at[i] - origin) / spacing, points);
      first[i] = knots.first;
      for (int k = 0; k < 4; ++k) weight[k][i] = knots.weight[k];
    }
  }

  // Sums four pairs with the weights of pixel i. `step` is the distance from each pair to the next one.
  Pair sum(int i, const Offset* point, std::ptrdiff_t step) const {
    Pair total = weight[0][i] * load<Pair>(point);
    for (int k = 1; k < 4; ++k) total += weight[k][i] * load<Pair>(point + k * step);
    return total;
  }
};

class Displacer {
 public:
  explicit Displacer(const Entries& entries) : entries_(entries) {}

  bool is_active() const { return entries_.displacement != nullptr; }

  // Finds the positions of a chunk that is one line. No call gets the address of the chunk, so that the other
  // stages keep the chunk in registers.
  void locate(Chunk& chunk) {
    if (is_active()) chunk.located = find(chunk.x, chunk.y, chunk.count);
  }

 private:
  // Finds the positions of all pixels. The position of the last pixel is repeated to fill the last vector.
  [[gnu::noinline]] const Located* find(int x, int y, int pixels) {
    const Displacement& entry = *entries_.displacement;
    const int count = (pixels + kLanes - 1) / kLanes * kLanes;
    double px[kChunk], py[kChunk];
    transform_line(entry.before, x, y, pixels, px, py);
    for (int i = pixels; i < count; ++i) {
      px[i] = px[pixels - 1];
      py[i] = py[pixels - 1];
    }
    LineKnots across;
    across.find(px, entry.origin[0], entry.spacing[0], entry.grid[1], count);
    const bool is_level = is_affine_matrix(entry.before) && entry.before[3] == 0.0;
    if (!(is_level && add_along_line(across, py[0], px, py, count))) add_each(across, px, py, count);
    transform_points(entry.after, px, py, count);
    return &located_;
  }

  static void transform_line(const double* m, int first, int line, int count, double* px, double* py) {
    const bool is_affine = is_affine_matrix(m);
    const double y = line + 0.5;
    for (int i = 0; i < count; i += kLongLanes) {
      const Doubles x = count_lanes() + (first + i + 0.5);
      const Doubles u = linear(m, x, y), v = linear(m + 3, x, y), w = linear(m + 6, x, y);
      store(px + i, is_affine ? u : u / w);
      store(py + i, is_affine ? v : v / w);
    }
  }

  void transform_points(const double* m, const double* px, const double* py, int count) {
    const bool is_affine = is_affine_matrix(m);
    for (int i = 0; i < count; i += kLongLanes) {
      const Doubles x = load<Doubles>(px + i), y = load<Doubles>(py + i);
      const auto line = [&](int k) { return m[k] * x + m[k + 1] * y + m[k + 2]; };
      store(located_.x + i, is_affine ? line(0) : line(0) / line(6));
      store(located_.y + i, is_affine ? line(3) : line(3) / line(6));
    }
  }

  static void add(Pair d, double& x, double& y) {
    x += d[0];
    y += d[1];
  }

  void add_each(const LineKnots& across, double* px, double* py, int count) const {
    const Displacement& entry = *entries_.displacement;
    const std::ptrdiff_t columns = entry.grid[1];
    LineKnots down;
    down.find(py, entry.origin[1], entry.spacing[1], entry.grid[0], count);
    for (int i = 0; i < count; ++i) {
      const Offset* first = entries_.offsets + down.first[i] * columns + across.first[i];
      Pair total = across.weight[0][i] * down.sum(i, first, columns);
      for (int k = 1; k < 4; ++k) total += across.weight[k][i] * down.sum(i, first + k, columns);
      add(total, px[i], py[i]);
    }
  }

  // The same for pixels with the same y: the sum down each column is computed once. Returns false if there
  // are too many columns.
  bool add_along_line(const LineKnots& across, double y, double* px, double* py, int count) const {
    constexpr int kMostColumns = kChunk;
    const std::int32_t one = across.first[0], other = across.first[count - 1];
    const std::int32_t begin = one < other ? one : other, end = (one < other ? other : one) + 4;
    if (end - begin > kMostColumns) return false;
    const Displacement& entry = *entries_.displacement;
    const std::ptrdiff_t columns = entry.grid[1];
    const Knots down = knots_around((y - entry.origin[1]) / entry.spacing[1], entry.grid[0]);
    const Offset* first = entries_.offsets + down.first * columns;
    Offset line[kMostColumns];
    for (std::int32_t i = begin; i < end; ++i) line[i - begin] = weighed_sum(first + i, columns, down.weight);
    for (int i = 0; i < count; ++i) add(across.sum(i, line + (across.first[i] - begin), 1), px[i], py[i]);
    return true;
  }

  const Entries& entries_;
  Located located_;
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
