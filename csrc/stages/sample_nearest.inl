// Part of stages.inl: nearest sampling of interleaved uint8 images where x depends on the column alone and y
// on the line (crops, flips, padding, resizing). The columns' offsets are found once, and whole pixels are
// copied.
#pragma once

#include "stages/border.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kPixelPacket = 4;  // bytes that hold one pixel of three or four channels

template <int kChannels>
class PackedNearest {
 public:
  static constexpr double kUnit = 1.0;

  PackedNearest(const PlanRow& row, const SourceView& source, const Scratch&)
      : row_(row), data_(source.data), x_(x_axis(row, source)), y_(y_axis(row, source)) {}

  void sample(Chunk& chunk) {
    if (chunk.x != columns_at_) find_columns(chunk);
    const int y = inside(y_, floor_to_int(linear(row_.inverse + 3, chunk.x + 0.5, chunk.y + 0.5)));
    alignas(64) unsigned char packets[kPixelPacket * kChunk];
    copy_pixels(data_ + y * y_.stride, y == (y_.stride > 0 ? y_.size - 1 : 0), chunk.count, packets);
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints pixels = load<Ints>(packets + kPixelPacket * i);
      for (int c = 0; c < kChannels; ++c) store(chunk.value[c] + i, to_floats((pixels >> (8 * c)) & 0xff));
    }
  }

 private:
  void find_columns(const Chunk& chunk) {
    columns_at_ = chunk.x;
    for (int i = 0; i < chunk.count; ++i)
      offset_[i] = inside(x_, floor_to_int(linear(row_.inverse, chunk.x + i + 0.5, 0.5))) * x_.stride;
  }

  // A packet of a three-channel pixel reads a byte too many, which the last line in memory may not have.
  void copy_pixels(const unsigned char* line, bool is_last, int count, unsigned char* packets) const {
    const std::ptrdiff_t* offset = offset_;
    if (is_last)
      for (int i = 0; i < count; ++i)
        __builtin_memcpy(packets + kPixelPacket * i, line + offset[i], kChannels);
    else
      for (int i = 0; i < count; ++i)
        __builtin_memcpy(packets + kPixelPacket * i, line + offset[i], kPixelPacket);
  }

  const PlanRow& row_;
  const unsigned char* data_;
  const Axis x_, y_;
  int columns_at_ = -1;
  std::ptrdiff_t offset_[kChunk];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
