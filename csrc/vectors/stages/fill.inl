// Part of stages.inl: the constant border. It blends the sample with the fill by the share of image in it.
#pragma once

#include "pass/coverage.h"
#include "vectors/stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

class FillBlender {
 public:
  // `unit` is the size of one level of the source in the values of the chunk. `is_shown` tells that the
  // sampler writes the fill itself, so that the blender does nothing.
  FillBlender(const PlanRow& row, double unit, bool is_shown)
      : row_(row),
        is_active_(!is_shown && static_cast<Border>(row.border) == Border::kConstant),
        is_affine_(is_affine(row)),
        coverage_(row) {
    for (int axis = 0; axis < 2; ++axis) covered_[axis] = Covered(row, axis);
    for (int c = 0; c < row.channels; ++c) fill_[c] = static_cast<float>(row.fill[c] * unit);
  }

  bool is_active() const { return is_active_; }

  // No call gets the address of the chunk, so that the other stages keep the chunk in registers.
  [[gnu::always_inline]] void blend(const Chunk& chunk) const {
    if (!is_active_) return;
    if (chunk.located != nullptr) return blend_located(*chunk.located, chunk.count, chunk.value);
    const Range covered = covered_columns(chunk);
    // The bounds are those of whole vectors, because no vector may be blended twice.
    const int begin = (covered.begin + kLanes - 1) / kLanes * kLanes, end = covered.end / kLanes * kLanes;
    if (begin >= end) return blend_columns({0, chunk.count}, chunk);
    if (begin > 0) blend_columns({0, begin}, chunk);
    if (covered.end < chunk.count) blend_columns({end, chunk.count}, chunk);
  }

 private:
  // The bounds on one axis of the positions that certainly show only the image. `near` is the bound that the
  // columns reach first.
  struct Covered {
    double near, far, per_step;

    Covered() = default;

    Covered(const PlanRow& row, int axis) {
      const double step = row.inverse[3 * axis];
      // If a chunk's columns hardly differ, all of them are covered or none.
      const bool is_flat = absolute(step) < kSmallestStep;
      const double margin = 0.5 * row.edge[axis] + (is_flat ? 0.1 : 0.0);
      const double low = margin, high = row.source_size[1 - axis] - margin;
      per_step = 1.0 / (is_flat ? kSmallestStep : step);
      near = per_step < 0.0 ? high : low;
      far = per_step < 0.0 ? low : high;
    }
  };

  static constexpr double kSmallestStep = 1e-6;

  // Returns the columns of the chunk that certainly show only the image; none under a projective map. One
  // column at each end is left out because of rounding.
  Range covered_columns(const Chunk& chunk) const {
    if (!is_affine_) return {0, 0};
    double begin = 0.0, end = chunk.count;
    for (int axis = 0; axis < 2; ++axis) {
      const Covered& covered = covered_[axis];
      const double first = linear(row_.inverse + 3 * axis, chunk.x + 0.5, chunk.y + 0.5);
      begin = within((covered.near - first) * covered.per_step + 2.0, begin, chunk.count);
      end = within((covered.far - first) * covered.per_step - 1.0, 0.0, end);
    }
    return {static_cast<int>(begin), static_cast<int>(end)};
  }

  [[gnu::noinline]] void blend_located(const Located& at, int count, Planes value) const {
    blend_columns(
        {0, count}, [&](int i) { return Positions{load<Doubles>(at.x + i), load<Doubles>(at.y + i)}; },
        value);
  }

  void blend_columns(Range columns, const Chunk& chunk) const {
    const int x = chunk.x, y = chunk.y;
    blend_columns(columns, [this, x, y](int i) { return positions_from(row_, x + i, y); }, chunk.value);
  }

  // positions_at(i) returns the positions of the columns from i on.
  template <typename PositionsAt>
  void blend_columns(Range columns, const PositionsAt& positions_at, Planes planes) const {
    for (int i = columns.begin; i < columns.end; i += kLanes) {
      const Positions near = positions_at(i), far = positions_at(i + kLongLanes);
      const Floats k = join(coverage_.at(near.x, near.y), coverage_.at(far.x, far.y));
      for (int c = 0; c < row_.channels; ++c) {
        const Floats value = load<Floats>(planes[c] + i), fill = broadcast(fill_[c]);
        const Floats blended = fill * (1.0f - k) + value * k;
        // A NaN with weight 0 must not reach the result, and a NaN with weight 1 must keep its bits.
        store(planes[c] + i, k == 0.0f ? fill : (k == 1.0f ? value : blended));
      }
    }
  }

  const PlanRow& row_;
  const bool is_active_, is_affine_;
  const Coverage coverage_;
  Covered covered_[2];
  float fill_[kMaxChannels];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
