// Part of stages.inl: random bits for the pixels of a chunk, keyed by their places.
#pragma once

#include "pixel/random.h"
#include "stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kMostPixelHalves = 2;  // that any kind of noise takes for a pixel of one channel
constexpr int kDrawnVectors = 3;     // of blocks, side by side
constexpr int kDrawnBlocks = kDrawnVectors * kLongLanes;
constexpr int kMostBlocks = kMaxChannels * kChunk * kMostPixelHalves / kBlockHalves;

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

// The bits of a chunk's pixels, one line a channel. What follows its last pixel may be read, and means
// nothing.
class RandomBits {
 public:
  explicit RandomBits(const PlanRow& row) : row_(row), keys_(row.stream[0], row.stream[1]) {}

  // `pixel_halves` times 16 bits a pixel of `channels` channels, which are the same for all chunks of a row.
  void draw(const Chunk& chunk, int channels, int pixel_halves) {
    if (chunk.x != x_ || chunk.lines != lines_) find_places(chunk, channels, pixel_halves);
    y_ = chunk.y;
    for (int i = 0; i < count_; i += kDrawnBlocks) lines_ == 1 ? draw_from<true>(i) : draw_from<false>(i);
    if (line_halves_ % kBlockHalves != 0) close_gaps();
  }

  // The halves as normals_of() takes them.
  void prepare() {
    for (int i = 0; i < count_ * kBlockHalves; i += kHalves) prepare_normals(halves_ + i);
  }

  const std::uint16_t* halves(int channel) const { return halves_ + channel * lines_ * line_halves_; }

 private:
  void find_places(const Chunk& chunk, int channels, int pixel_halves) {
    const int first = chunk.x * pixel_halves / kBlockHalves;
    x_ = chunk.x;
    lines_ = chunk.lines;
    line_halves_ = chunk.width * pixel_halves;
    line_blocks_ = (line_halves_ + kBlockHalves - 1) / kBlockHalves;
    count_ = channels * lines_ * line_blocks_;
    std::uint64_t* place = places_;
    for (std::uint64_t c = 0; c < static_cast<std::uint64_t>(channels); ++c)
      for (std::uint64_t y = 0; y < static_cast<std::uint64_t>(lines_); ++y)
        for (int block = 0; block < line_blocks_; ++block) *place++ = y << 32 | c << 28 | (first + block);
    for (int i = 0; i < kDrawnBlocks; ++i) *place++ = 0;
  }

  // Moves the lines, which begin with a block each, to where the last pixel before them ends.
  void close_gaps() {
    const std::uint16_t* from = halves_;
    std::uint16_t* to = halves_;
    for (int rest = count_; rest > 0; rest -= line_blocks_, to += line_halves_)
      for (int i = 0; i < line_blocks_; ++i, from += kBlockHalves)
        __builtin_memmove(to + i * kBlockHalves, from, kBlockHalves * sizeof *to);
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
  int x_ = -1, lines_ = 0;                 // of the chunk that the places are those of
  int line_halves_ = 0, line_blocks_ = 0;  // of one channel
  int count_ = 0;                          // blocks of all lines and channels
  int y_ = 0;                              // the first line
  // Of each block: the first word of its counter, and 2^32 times how many lines it lies below y_.
  alignas(64) std::uint64_t places_[kMostBlocks + kDrawnBlocks];
  alignas(64) std::uint16_t halves_[(kMostBlocks + kDrawnBlocks) * kBlockHalves];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
