// Part of stages.inl: the constant border, as a blend of the sample with the fill by how much of it is image.
#pragma once

#include "chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

struct Range {
  int begin, end;
};

class FillBlender {
 public:
  // `unit` is what one level of the source is in the chunk's values.
  FillBlender(const PlanRow& row, double unit)
      : row_(row),
        unit_(unit),
        is_active_(static_cast<Border>(row.border) == Border::kConstant),
        is_nearest_(static_cast<Interpolation>(row.interpolation) == Interpolation::kNearest) {
    for (int axis = 0; axis < 2; ++axis) {
      const double step = row.inverse[3 * axis];
      per_step_[axis] = absolute(step) < kSmallestStep ? 0.0 : 1.0 / step;
    }
  }

  void blend(Chunk& chunk) const {
    if (!is_active_) return;
    const Range covered = covered_columns(chunk);
    blend_columns({0, covered.begin}, chunk);
    blend_columns({covered.end, chunk.count}, chunk);
  }

 private:
  static constexpr double kSmallestStep = 1e-9;

  // Columns of the chunk that surely show nothing but the image; none under a projective map.
  Range covered_columns(const Chunk& chunk) const {
    Range columns{0, is_affine(row_) ? chunk.count : 0};
    for (int axis = 0; axis < 2; ++axis) {
      const double first = linear(row_.inverse + 3 * axis, chunk.x + 0.5, chunk.y + 0.5);
      const double margin = 0.5 * row_.edge[axis];
      keep_within(columns, first, per_step_[axis], margin, row_.source_size[1 - axis] - margin);
    }
    return columns;
  }

  // Narrows the columns to those whose position, `first` in column 0, lies within [low, high]. One at either
  // end is left out for the rounding's sake.
  static void keep_within(Range& columns, double first, double per_step, double low, double high) {
    if (per_step == 0.0) {  // all columns lie within 1e-9 times their number of the first
      if (first < low + 0.1 || first > high - 0.1) columns.end = columns.begin;
      return;
    }
    const double a = (low - first) * per_step, b = (high - first) * per_step;
    const double begin = within((a < b ? a : b) + 2.0, columns.begin, columns.end);
    const double end = within((a < b ? b : a) - 1.0, columns.begin, columns.end);
    columns = {static_cast<int>(begin), static_cast<int>(end > begin ? end : begin)};
  }

  // Finite, as infinity times the distance 0 would be NaN.
  static double reciprocal(double edge) { return edge < 1e-300 ? 1e300 : 1.0 / edge; }

  // How much of each sample is image rather than fill.
  void cover(const double* sx, const double* sy, int count, float* coverage) const {
    const double width = row_.source_size[1], height = row_.source_size[0];
    const double per_edge_x = reciprocal(row_.edge[0]), per_edge_y = reciprocal(row_.edge[1]);
    const auto ramp = [](double distance, double per_edge) {
      return within(0.5 + distance * per_edge, 0.0, 1.0);
    };
    if (is_nearest_) {
      for (int i = 0; i < count; ++i)
        coverage[i] = (sx[i] >= 0.0) & (sx[i] < width) & (sy[i] >= 0.0) & (sy[i] < height) ? 1.0f : 0.0f;
      return;
    }
    for (int i = 0; i < count; ++i)
      coverage[i] = static_cast<float>(ramp(sx[i], per_edge_x) * ramp(width - sx[i], per_edge_x) *
                                       (ramp(sy[i], per_edge_y) * ramp(height - sy[i], per_edge_y)));
  }

  void blend_columns(Range columns, Chunk& chunk) const {
    const int count = columns.end - columns.begin;
    if (count == 0) return;
    double sx[kChunk], sy[kChunk];
    float k[kChunk];
    find_positions(row_, chunk.x + columns.begin, chunk.y, count, sx, sy);
    cover(sx, sy, count, k);
    for (int c = 0; c < row_.channels; ++c) {
      const float fill = static_cast<float>(row_.fill[c] * unit_);
      float* value = chunk.value[c] + columns.begin;
      for (int i = 0; i < count; ++i) {  // a NaN must not get through where nothing of it is seen
        const float blended = fill * (1.0f - k[i]) + value[i] * k[i];
        value[i] = k[i] == 0.0f ? fill : (k[i] == 1.0f ? value[i] : blended);
      }
    }
  }

  const PlanRow& row_;
  const double unit_;
  const bool is_active_, is_nearest_;
  double per_step_[2];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
