// Part of stages.inl: random bits for the pixels of a chunk, keyed by their places.
#pragma once

#include "philox.h"
#include "stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kBlockHalves = 8;      // 16-bit halves of a Philox block
constexpr int kMostPixelHalves = 2;  // that any kind of noise takes for a pixel of one channel
constexpr int kDrawnVectors = 3;     // of blocks, side by side
constexpr int kDrawnBlocks = kDrawnVectors * kLongLanes;
constexpr int kMostBlocks = kMaxChannels * kChunk * kMostPixelHalves / kBlockHalves;
constexpr int kBlocksAhead = 8 * kDrawnBlocks;  // that are drawn at once, where lines are short
static_assert(kBlocksAhead <= kMostBlocks);

// The keys of Philox's rounds in all lanes.
class RoundKeys {
 public:
  RoundKeys(std::uint32_t key0, std::uint32_t key1) {
    for (Longs(&key)[2] : key_) {
      key[0] = broadcast(std::uint64_t{key0});
      key[1] = broadcast(std::uint64_t{key1});
      key0 += kPhiloxWeyl0;
      key1 += kPhiloxWeyl1;
    }
  }

  // One block a lane, as philox4x32<kPhiloxPixelRounds>(): the words lie in the lower halves of the lanes. A
  // round waits for the one before it, so some of them go side by side.
  void turn_into_bits(Longs (&word)[kDrawnVectors][4]) const {
    for (const Longs(&key)[2] : key_)
      for (Longs(&w)[4] : word) {
        const Longs product0 = multiply_lower(w[0], broadcast(kPhiloxMultiplier0));
        const Longs product1 = multiply_lower(w[2], broadcast(kPhiloxMultiplier1));
        w[0] = (product1 >> 32) ^ w[1] ^ key[0];
        w[1] = product1;
        w[2] = (product0 >> 32) ^ w[3] ^ key[1];
        w[3] = product0;
      }
  }

 private:
  Longs key_[kPhiloxPixelRounds][2];
};

// The bits of a chunk's pixels, one line a channel, drawn for several output lines at once: vectors of blocks
// stay full where lines are short. What follows a line's last pixel may be read, and means nothing.
class RandomBits {
 public:
  explicit RandomBits(const PlanRow& row) : row_(row), keys_(row.stream[0], row.stream[1]) {}

  // `pixel_halves` times 16 bits a pixel of `channels` channels, which are the same for all chunks of a row.
  // Returns whether they are new, and not those that an earlier chunk's draw went on to.
  bool draw(const Chunk& chunk, int channels, int pixel_halves) {
    if (chunk.x != x_) find_places(chunk, channels, pixel_halves);
    at_ = chunk.y - y_;
    if (at_ >= 0 && at_ < lines_) return false;
    y_ = chunk.y;
    at_ = 0;
    lines_ = row_.output_size[0] - y_ < most_lines_ ? row_.output_size[0] - y_ : most_lines_;
    const int blocks = lines_ * count_;
    for (int i = 0; i < blocks; i += kDrawnBlocks)
      most_lines_ == 1 ? draw_from<true>(i) : draw_from<false>(i);
    return true;
  }

  // The halves as normals_of() takes them.
  void prepare() {
    for (int i = 0; i < lines_ * count_ * kBlockHalves; i += kHalves) prepare_normals(halves_ + i);
  }

  const std::uint16_t* halves(int channel) const {
    return halves_ + at_ * count_ * kBlockHalves + channel * channel_halves_;
  }

 private:
  void find_places(const Chunk& chunk, int channels, int pixel_halves) {
    const int first = chunk.x * pixel_halves / kBlockHalves;
    const int blocks = (chunk.count * pixel_halves + kBlockHalves - 1) / kBlockHalves;
    x_ = chunk.x;
    lines_ = 0;
    channel_halves_ = blocks * kBlockHalves;
    count_ = channels * blocks;
    most_lines_ = 1;
    while (most_lines_ * count_ % kDrawnBlocks != 0 && (most_lines_ + 1) * count_ <= kBlocksAhead)
      ++most_lines_;
    std::uint64_t* place = places_;
    for (int y = 0; y < most_lines_; ++y)
      for (int c = 0; c < channels; ++c)
        for (int block = 0; block < blocks; ++block)
          *place++ =
              static_cast<std::uint64_t>(y) << 32 | static_cast<std::uint64_t>(c) << 28 | (first + block);
    for (int i = 0; i < kDrawnBlocks; ++i) *place++ = 0;
  }

  // The blocks from the i-th place on. Of one line they have all but a word of their counters in common,
  // which spares them a round.
  template <bool kIsOneLine>
  void draw_from(int i) {
    const Longs y = broadcast(static_cast<std::uint64_t>(y_));
    Longs words[kDrawnVectors][4];
    for (int k = 0; k < kDrawnVectors; ++k) {
      words[k][0] = load<Longs>(places_ + i + k * kLongLanes);
      words[k][1] = kIsOneLine ? y : y + (words[k][0] >> 32);
      words[k][2] = broadcast(std::uint64_t{row_.stream[2]});
      words[k][3] = broadcast(std::uint64_t{row_.stream[3]});
    }
    keys_.turn_into_bits(words);
    for (int k = 0; k < kDrawnVectors; ++k)
      store_blocks(halves_ + (i + k * kLongLanes) * kBlockHalves, words[k]);
  }

  const PlanRow& row_;
  const RoundKeys keys_;
  int x_ = -1;                          // of the chunk that the places are those of
  int y_ = 0, lines_ = 0, at_ = 0;      // the first line that was drawn, how many were, and which one is read
  int most_lines_ = 0;                  // that are drawn at once
  int channel_halves_ = 0, count_ = 0;  // halves of a channel, and blocks of all channels, in a line
  // Of each block: the first word of its counter, and 2^32 times how many lines it lies below y_.
  alignas(64) std::uint64_t places_[kMostBlocks + kDrawnBlocks];
  alignas(64) std::uint16_t halves_[(kMostBlocks + kDrawnBlocks) * kBlockHalves];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
