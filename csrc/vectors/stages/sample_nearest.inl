// Part of stages.inl: nearest sampling of interleaved uint8 images where x depends on the column alone and y
// on the line (crops, flips, padding, resizing). The columns' offsets are found once, and whole pixels are
// copied.
#pragma once

#include "vectors/stages/border.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kPixelPacket = 4;  // bytes that hold one pixel of three or four channels

template <int kChannels>
class PackedNearest {
 public:
  static constexpr double kUnit = 1.0;

  PackedNearest(const PlanRow& row, const SourceView& source, const Scratch&)
      : row_(row),
        data_(source.data),
        x_(x_axis(row, source)),
        y_(y_axis(row, source)),
        end_(source.data + highest(y_) + highest(x_) + kChannels) {}

  void sample(Chunk& chunk) {
    if (chunk.x != columns_at_) find_columns(chunk);
    const int y = inside(y_, floor_to_int(linear(row_.inverse + 3, chunk.x + 0.5, chunk.y + 0.5)));
    alignas(64) unsigned char packets[kPixelPacket * kChunk];
    copy_pixels(data_ + y * y_.stride, chunk.count, packets);
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints pixels = load<Ints>(packets + kPixelPacket * i);
      for (int c = 0; c < kChannels; ++c) store(chunk.value[c] + i, to_floats((pixels >> (8 * c)) & 0xff));
    }
  }

 private:
  static std::ptrdiff_t highest(const Axis& axis) {
    return axis.stride > 0 ? (axis.size - 1) * axis.stride : 0;
  }

  void find_columns(const Chunk& chunk) {
    columns_at_ = chunk.x;
    for (int i = 0; i < chunk.count; ++i)
      offset_[i] = inside(x_, floor_to_int(linear(row_.inverse, chunk.x + i + 0.5, 0.5))) * x_.stride;
    find_run(chunk.count);
  }

  // The first columns whose pixels lie side by side in memory, in their order or the other way round.
  void find_run(int count) {
    const auto step = [&](int i) { return offset_[i + 1] - offset_[i]; };
    const auto is_run = [&](int i) { return step(i) == kChannels || step(i) == -kChannels; };
    int i = 0;
    while (i + 1 < count && !is_run(i)) ++i;
    run_ = {i, i + 1};
    is_reversed_ = i + 1 < count && step(i) < 0;
    while (run_.end < count && is_run(run_.end - 1) && (step(run_.end - 1) < 0) == is_reversed_) ++run_.end;
  }

  void copy_pixels(const unsigned char* line, int count, unsigned char* packets) const {
    Range run = run_;
    if constexpr (kChannels == 3)
      run.begin = is_reversed_ ? spread<true>(line, packets) : spread<false>(line, packets);
    copy_each(line, {0, run_.begin}, packets);
    copy_each(line, {run.begin, count}, packets);
  }

  // As much of the run as there is memory to read behind it, in vectors; where they end.
  template <bool kReversed>
  int spread(const unsigned char* line, unsigned char* packets) const {
    int i = run_.begin;
    for (; i + kSpread <= run_.end; i += kSpread) {
      const unsigned char* first = line + offset_[kReversed ? i + kSpread - 1 : i];
      if (end_ - first >= kSpreadBytes)
        spread_pixels<kReversed>(first, packets + kPixelPacket * i);
      else
        copy_each(line, {i, i + kSpread}, packets);
    }
    return i;
  }

  // A packet of a three-channel pixel reads a byte too many, which the last pixel in memory may not have.
  void copy_each(const unsigned char* line, Range columns, unsigned char* packets) const {
    for (int i = columns.begin; i < columns.end; ++i) {
      const unsigned char* from = line + offset_[i];
      unsigned char* to = packets + kPixelPacket * i;
      if (end_ - from >= kPixelPacket)
        __builtin_memcpy(to, from, kPixelPacket);
      else
        __builtin_memcpy(to, from, kChannels);
    }
  }

  const PlanRow& row_;
  const unsigned char* data_;
  const Axis x_, y_;
  const unsigned char* const end_;  // of the image's memory
  int columns_at_ = -1;
  Range run_{};  // of columns
  bool is_reversed_ = false;
  std::ptrdiff_t offset_[kChunk];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
