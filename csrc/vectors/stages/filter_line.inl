// Part of stages.inl: the line into which the source lines under an output line are summed, before pixels are
// sums along it. It holds the columns that a chunk's filters touch, also those outside the source.
#pragma once

#include "vectors/stages/filter_taps.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};

// Calls f with the number as a constant, by which loops are unrolled, or with 0 if it is a large one.
template <typename F>
void with_constant(int number, const F& f) {
  switch (number) {
    case 1:
      return f(Constant<1>{});
    case 2:
      return f(Constant<2>{});
    case 3:
      return f(Constant<3>{});
    default:
      return f(Constant<0>{});
  }
}

class FilterLine {
 public:
  FilterLine(const PlanRow& row, const SourceView& source, std::ptrdiff_t item)
      : row_(row),
        filter_(row, 0),
        axis_(x_axis(row, source)),
        plane_bytes_(source.stride_c),
        interleaved_(source.stride_c == item && source.stride_x == item * row.channels),
        adjoining_(interleaved_ || source.stride_x == item) {}

  // Finds the columns of a chunk; whether it lies elsewhere than the one before.
  bool find(const Chunk& chunk) {
    if (chunk.x == found_at_) return false;
    found_at_ = chunk.x;
    columns_ = {reach(0).begin, reach(0).end};
    most_taps_ = 0;
    for (int i = 0; i < chunk.count; ++i) {
      const Reach one = reach(i);
      columns_.begin = one.begin < columns_.begin ? one.begin : columns_.begin;
      columns_.end = one.end > columns_.end ? one.end : columns_.end;
      most_taps_ = one.end - one.begin > most_taps_ ? one.end - one.begin : most_taps_;
    }
    inside_ = {columns_.begin > 0 ? columns_.begin : 0,
               columns_.end < axis_.size ? columns_.end : axis_.size};
    if (inside_.end < inside_.begin || !adjoining_) inside_ = {columns_.end, columns_.end};
    return true;
  }

  const Filter& filter() const { return filter_; }
  Reach reach(int i) const { return filter_.reach(axis_, linear(row_.inverse, found_at_ + i + 0.5, 0.5)); }
  int most_taps() const { return most_taps_; }

  // Elements from a column, and from a channel, to the next.
  int step() const { return interleaved_ ? row_.channels : 1; }
  int plane() const { return interleaved_ ? 1 : columns_.end - columns_.begin + kOverread; }
  int element(int column) const { return (column - columns_.begin) * step(); }
  int spare() const { return element(columns_.end); }  // where no column of the source is

  // Calls `run` with the offset in bytes, the element and the count of elements that lie side by side in the
  // source and in the line, and `one` with those of each element that does not.
  template <typename Run, typename One>
  void visit(const Run& run, const One& one) const {
    const int count = inside_.end - inside_.begin;
    if (interleaved_)
      run(inside_.begin * axis_.stride, element(inside_.begin), count * row_.channels);
    else
      for (int c = 0; c < row_.channels; ++c)
        run(inside_.begin * axis_.stride + c * plane_bytes_, element(inside_.begin) + c * plane(), count);
    for (int j = columns_.begin; j < inside_.begin; ++j) visit_column(j, one);
    for (int j = inside_.end; j < columns_.end; ++j) visit_column(j, one);
  }

 private:
  template <typename One>
  void visit_column(int j, const One& one) const {
    const std::ptrdiff_t offset = inside(axis_, j) * axis_.stride;
    for (int c = 0; c < row_.channels; ++c) one(offset + c * plane_bytes_, element(j) + c * plane());
  }

  const PlanRow& row_;
  const Filter filter_;
  const Axis axis_;
  const std::ptrdiff_t plane_bytes_;
  const bool interleaved_, adjoining_;
  int found_at_ = -1, most_taps_ = 0;
  Range columns_{0, 0}, inside_{0, 0};
};

// The place of the weight of a pixel's tap (or pair of taps), with `taps` a pixel, if pixels are summed with
// all their channels. Weights stand in the order in which they are read, four times over, in the lanes that
// hold the pixel.
int pixel_weight(int i, int k, int taps) {
  const int block = i / kLanes * 4 + i % 4, group = i % kLanes / 4;
  return (block * taps + k) * kLanes + 4 * group;
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
