// Part of stages.inl: random bits for the pixels of a chunk, keyed by their places.
#pragma once

#include "chunk.inl"
#include "philox.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kBlockHalves = 8;      // 16-bit halves of a Philox block
constexpr int kMostPixelHalves = 2;  // that any kind of noise takes for a pixel of one channel
constexpr int kMostBlocks = kMaxChannels * kChunk * kMostPixelHalves / kBlockHalves;

// One Philox4x32-10 block a lane, as philox4x32(): the words lie in the lower halves of the lanes.
void draw_blocks(Longs (&word)[4], std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Longs product0 = multiply_lower(word[0], broadcast(kPhiloxMultiplier0));
    const Longs product1 = multiply_lower(word[2], broadcast(kPhiloxMultiplier1));
    word[0] = (product1 >> 32) ^ word[1] ^ broadcast(std::uint64_t{key0});
    word[1] = product1;
    word[2] = (product0 >> 32) ^ word[3] ^ broadcast(std::uint64_t{key1});
    word[3] = product0;
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
}

// The bits of a chunk's pixels, one line a channel. What follows a line's last pixel may be read, and means
// nothing.
class RandomBits {
 public:
  // `pixel_halves` times 16 bits a pixel.
  RandomBits(const PlanRow& row, const Chunk& chunk, int channels, int pixel_halves) {
    const int first = chunk.x * pixel_halves / kBlockHalves;
    const int blocks = (chunk.count * pixel_halves + kBlockHalves - 1) / kBlockHalves;
    line_ = blocks * kBlockHalves;
    count_ = channels * blocks;
    alignas(64) std::uint64_t place[kMostBlocks + kLongLanes];
    for (int c = 0; c < channels; ++c)
      for (int block = 0; block < blocks; ++block)
        place[c * blocks + block] = static_cast<std::uint64_t>(c) << 28 | (first + block);
    for (int i = count_; i < count_ + kLongLanes; ++i) place[i] = 0;
    for (int i = 0; i < count_; i += kLongLanes) {
      Longs words[4] = {load<Longs>(place + i), broadcast(static_cast<std::uint64_t>(chunk.y)),
                        broadcast(std::uint64_t{row.stream[2]}), broadcast(std::uint64_t{row.stream[3]})};
      draw_blocks(words, row.stream[0], row.stream[1]);
      store_blocks(halves_ + i * kBlockHalves, words);
    }
  }

  // 16 bits a pixel become normal variates times kNormalScale.
  void make_normal() {
    for (int i = 0; i < count_ * kBlockHalves; i += kHalves) to_normals(halves_ + i);
  }

  const std::uint16_t* halves(int channel) const { return halves_ + channel * line_; }
  const std::int16_t* normals(int channel) const {
    return reinterpret_cast<const std::int16_t*>(halves(channel));
  }

 private:
  int line_, count_;  // halves of a channel, blocks of all
  alignas(64) std::uint16_t halves_[(kMostBlocks + kLongLanes) * kBlockHalves];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
