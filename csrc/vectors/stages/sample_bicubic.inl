// Part of stages.inl: bicubic sampling of interleaved uint8 images under any map. Across, weights are whole
// numbers that sum to kBicubicUnit, and the sums of four taps are exact; down, those sums are weighed in
// float32.
#pragma once

#include "pass/interpolation.h"
#include "vectors/stages/sample_fixed.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// Keys' kernel with a = -0.75 at f + 1, f, 1 - f and 2 - f, for the 16-bit fraction f of a position.
struct CubicWeights {
  Floats weight[4];

  explicit CubicWeights(Ints position) {
    const Floats f = to_floats(position & 0xffff) * static_cast<float>(1.0 / kPositionUnit);
    weigh_cubic(f, static_cast<float>(Bicubic::kSlope), weight);
  }

  // The first and the last two as pairs of whole numbers.
  void as_pairs(Ints& front, Ints& back) const {
    Ints whole[4];
    whole_weights(weight, whole);
    front = (whole[0] & 0xffff) | whole[1] << 16;
    back = (whole[2] & 0xffff) | whole[3] << 16;
  }
};

template <int kChannels>
class PackedBicubic {
 public:
  static constexpr double kUnit = kBicubicUnit;

  PackedBicubic(const PlanRow& row, const SourceView& source, const Scratch&)
      : source_(source), grid_(row, source, kBack + kPacket, kTaps), positions_(row, -1.5) {}

  void sample(Chunk& chunk) {
    positions_.find(chunk);
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints x = positions_.x(i), y = positions_.y(i);
      const int lanes = i + kLanes <= chunk.count ? kLanes : chunk.count - i;
      copy(x >> 16, y >> 16, lanes, i);
      Ints front, back;
      CubicWeights(x).as_pairs(front, back);
      store(front_ + i, front);
      store(back_ + i, back);
    }
    for (int i = 0; i < chunk.count; i += kLanes) blend(i, CubicWeights(positions_.y(i)), chunk);
  }

 private:
  static constexpr int kTaps = 4;
  static constexpr int kBack = 2 * kChannels;  // bytes from the first to the third pixel

  // The packets of the lanes from `i` on: two a line, of four lines.
  void copy(Ints x, Ints y, int lanes, int i) {
    const Ints first = grid_.offset(x, y);
    if (any_negative(grid_.room(x, y, first))) return copy_mapped(x, y, lanes, i);
    alignas(64) std::int32_t offset[kLanes];
    store(offset, first);
    const unsigned char* data = source_.data;
    const std::ptrdiff_t next_line = source_.stride_y;
    for (int half = 0; half < 2; ++half)
      for (int line = 0; line < kTaps; line += 2)
        copy_adjacent(data + line * next_line + half * kBack, next_line, offset, packet(half, line, i),
                      packet(half, line + 1, i));
  }

  void copy_mapped(Ints x, Ints y, int lanes, int i) {
    alignas(64) std::int32_t offset[kTaps][kLanes];
    for (int line = 0; line < kTaps; ++line) {
      const Ints down = inside(grid_.y, y + line);
      for (int k = 0; k < kTaps; ++k) store(offset[k], grid_.offset(inside(grid_.x, x + k), down));
      for (int lane = 0; lane < lanes; ++lane)
        for (int half = 0; half < 2; ++half)
          join<kChannels>(packet(half, line, i) + kPacket * slot(lane), source_.data + offset[2 * half][lane],
                          source_.data + offset[2 * half + 1][lane]);
    }
  }

  void blend(int i, const CubicWeights& down, Chunk& chunk) {
    const Ints front = load<Ints>(front_ + i), back = load<Ints>(back_ + i);
    Floats sum[kChannels] = {};
    for (int line = 0; line < kTaps; ++line) {
      Ints left[kChannels], right[kChannels];
      split_packets<kChannels>(packet(0, line, i), left);
      split_packets<kChannels>(packet(1, line, i), right);
      for (int c = 0; c < kChannels; ++c)
        sum[c] += down.weight[line] * to_floats(multiply_add(left[c], front) + multiply_add(right[c], back));
    }
    for (int c = 0; c < kChannels; ++c) store(chunk.value[c] + i, sum[c]);
  }

  unsigned char* packet(int half, int line, int i) { return packets_[half][line] + kPacket * i; }

  const SourceView source_;
  const Grid grid_;
  FixedPositions positions_;
  alignas(64) std::int32_t front_[kChunk], back_[kChunk];
  alignas(64) unsigned char packets_[2][kTaps][kChunk * kPacket];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
