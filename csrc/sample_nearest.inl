// Part of stages.inl: nearest sampling where x depends on the column alone and y on the line (crops, flips,
// padding, resizing): the columns' offsets are found once, and each line is copied through them.
#pragma once

#include "sample_general.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kPixelPacket = 4;  // bytes that hold one pixel of three or four channels

// kChannels is 3 or 4 for interleaved uint8 images, and 0 for any others.
template <typename T, int kChannels>
class NearestColumns {
 public:
  static constexpr double kUnit = 1.0;

  NearestColumns(const PlanRow& row, const SourceView& source, const Scratch&)
      : row_(row), source_(source), x_(x_axis(row, source)), y_(y_axis(row, source)) {}

  void sample(Chunk& chunk) {
    if (chunk.x != columns_at_) find_columns(chunk);
    const int y = inside(y_, floor_to_int(linear(row_.inverse + 3, chunk.x + 0.5, chunk.y + 0.5)));
    const unsigned char* line = source_.data + y * y_.stride;
    if constexpr (kChannels != 0) return copy_pixels(line, y == (y_.stride > 0 ? y_.size - 1 : 0), chunk);
    for (int c = 0; c < row_.channels; ++c)
      for (int i = 0; i < chunk.count; ++i)
        chunk.value[c][i] = static_cast<float>(load_element<T>(line + c * source_.stride_c + offset_[i]));
  }

 private:
  void find_columns(const Chunk& chunk) {
    columns_at_ = chunk.x;
    for (int i = 0; i < chunk.count; ++i)
      offset_[i] = inside(x_, floor_to_int(linear(row_.inverse, chunk.x + i + 0.5, 0.5))) * x_.stride;
  }

  // A packet of a three-channel pixel reads a byte too many, which the last line in memory may not have.
  void copy_pixels(const unsigned char* line, bool is_last, Chunk& chunk) const {
    alignas(64) unsigned char packets[kPixelPacket * kChunk];
    const std::ptrdiff_t* offset = offset_;
    if (is_last)
      for (int i = 0; i < chunk.count; ++i)
        __builtin_memcpy(packets + kPixelPacket * i, line + offset[i], kChannels);
    else
      for (int i = 0; i < chunk.count; ++i)
        __builtin_memcpy(packets + kPixelPacket * i, line + offset[i], kPixelPacket);
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints pixels = load<Ints>(packets + kPixelPacket * i);
      for (int c = 0; c < kChannels; ++c) store(chunk.value[c] + i, to_floats((pixels >> (8 * c)) & 0xff));
    }
  }

  const PlanRow& row_;
  const SourceView source_;
  const Axis x_, y_;
  int columns_at_ = -1;
  std::ptrdiff_t offset_[kChunk];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
