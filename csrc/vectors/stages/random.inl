// Part of stages.inl: random bits for the pixels of a chunk, keyed by their places.
#pragma once

#include "pass/random.h"
#include "vectors/stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kMostPixelHalves = 2;  // that any kind of noise takes for a pixel of one channel
constexpr int kDrawnVectors = 3;     // of blocks, side by side: a round waits for the one before it
constexpr int kDrawnBlocks = kDrawnVectors * kLongLanes;
constexpr int kMostBlocks = kMaxChannels * kChunk * kMostPixelHalves / kBlockHalves;

// The lane in which store_blocks() expects a block. Even lanes come first.
constexpr unsigned lane_of(unsigned block) {
  constexpr unsigned kCount = kLongLanes;
  const unsigned in_vector = block % kCount;
  return block - in_vector + (2 * in_vector + 2 * in_vector / kCount) % kCount;
}

// philox4x32<kPhiloxPixelRounds>() of a block a lane. Words lie in the lower halves of the lanes, and
// anything may stand in the upper ones. In all counters of a row the last two words are the same. The first
// one, the place of a block in its line, and the second one, the line, do not meet before the third round:
// what comes before that is computed once a place, and once a line.
class PixelRounds {
 public:
  explicit PixelRounds(const std::uint32_t (&stream)[4]) {
    std::uint32_t key0 = stream[0], key1 = stream[1];
    for (Longs(&key)[2] : key_) {
      key[0] = broadcast(std::uint64_t{key0});
      key[1] = broadcast(std::uint64_t{key1});
      key0 += kPhiloxWeyl0;
      key1 += kPhiloxWeyl1;
    }
    product_ = broadcast(kPhiloxMultiplier1 * stream[2]);
    last_ = broadcast(std::uint64_t{stream[3]});
  }

  // Computes the result of the third round for a place. Word 2 lacks the line's part.
  void begin_places(Longs place, Longs (&part)[4]) const {
    const Longs first = multiply0(place);
    const Longs second = multiply1((first >> 32) ^ last_ ^ key_[0][1]);
    const Longs third = multiply0((second >> 32) ^ product_ ^ key_[1][0]);
    part[0] = second ^ key_[2][0];
    part[1] = first ^ key_[1][1];
    part[2] = (third >> 32) ^ key_[2][1];
    part[3] = third;
  }

  // The product that the second round finds of a line.
  Longs begin_lines(Longs y) const { return multiply0((product_ >> 32) ^ y ^ key_[0][0]); }

  // The third round.
  static void join(const Longs (&part)[4], Longs line, Longs (&word)[4]) {
    const Longs product = multiply1(part[1] ^ (line >> 32));
    word[0] = (product >> 32) ^ part[0];
    word[1] = product;
    word[2] = part[2] ^ line;
    word[3] = part[3];
  }

  template <int kVectors>
  void finish(Longs (&word)[kVectors][4]) const {
    for (int round = 3; round < kPhiloxPixelRounds; ++round)
      for (Longs(&w)[4] : word) {
        const Longs product0 = multiply0(w[0]), product1 = multiply1(w[2]);
        w[0] = (product1 >> 32) ^ w[1] ^ key_[round][0];
        w[1] = product1;
        w[2] = (product0 >> 32) ^ w[3] ^ key_[round][1];
        w[3] = product0;
      }
  }

 private:
  static Longs multiply0(Longs word) { return multiply_lower(word, broadcast(kPhiloxMultiplier0)); }
  static Longs multiply1(Longs word) { return multiply_lower(word, broadcast(kPhiloxMultiplier1)); }

  Longs key_[kPhiloxPixelRounds][2];
  Longs product_, last_;  // of the last two words
};

// The bits of a chunk's pixels, one line a channel. What follows its last pixel may be read, and means
// nothing.
class RandomBits {
 public:
  explicit RandomBits(const std::uint32_t (&stream)[4]) : rounds_(stream) {}

  // `pixel_halves` times 16 bits a pixel of `channels` channels, which are the same for all chunks of a row.
  void draw(const Chunk& chunk, int channels, int pixel_halves) {
    if (chunk.x != x_ || chunk.lines != lines_) find_places(chunk, channels, pixel_halves);
    const Longs y = broadcast(static_cast<std::uint64_t>(chunk.y)), line = rounds_.begin_lines(y);
    if (lines_ == 1)
      draw_blocks([&](int) { return line; });
    else
      draw_blocks([&](int i) { return rounds_.begin_lines(y + load<Longs>(below_ + i)); });
    if (line_halves_ % kBlockHalves != 0) close_gaps();
  }

  // The halves as normals_of() takes them.
  void prepare() {
    for (int i = 0; i < count_ * kBlockHalves; i += kHalves) prepare_normals(halves_ + i);
  }

  const std::uint16_t* halves(int channel) const { return halves_ + channel * lines_ * line_halves_; }

 private:
  void find_places(const Chunk& chunk, int channels, int pixel_halves) {
    const std::uint64_t first = chunk.x * pixel_halves / kBlockHalves;
    x_ = chunk.x;
    lines_ = chunk.lines;
    line_halves_ = chunk.width * pixel_halves;
    line_blocks_ = (line_halves_ + kBlockHalves - 1) / kBlockHalves;
    const int blocks = line_blocks_;  // a copy that no store can change
    unsigned count = 0;
    for (std::uint64_t c = 0; c < static_cast<std::uint64_t>(channels); ++c)
      for (int y = 0; y < chunk.lines; ++y)
        for (int block = 0; block < blocks; ++block, ++count) {
          part_[0][lane_of(count)] = c << 28 | (first + block);
          below_[lane_of(count)] = static_cast<std::uint64_t>(y);
        }
    count_ = static_cast<int>(count);
    for (int i = 0; i < count_; i += kLongLanes) {
      Longs part[4];
      rounds_.begin_places(load<Longs>(part_[0] + i), part);
      for (int k = 0; k < 4; ++k) store(part_[k] + i, part[k]);
    }
  }

  // Moves the lines, which begin with a block each, to where the last pixel before them ends.
  void close_gaps() {
    const std::uint16_t* from = halves_;
    std::uint16_t* to = halves_;
    for (int rest = count_; rest > 0; rest -= line_blocks_, to += line_halves_)
      for (int i = 0; i < line_blocks_; ++i, from += kBlockHalves)
        __builtin_memmove(to + i * kBlockHalves, from, kBlockHalves * sizeof *to);
  }

  // line_of(i) is what begin_lines() gives for the blocks from the i-th one on.
  template <typename LineOf>
  void draw_blocks(LineOf line_of) {
    int i = 0;
    for (; i + kDrawnBlocks <= count_; i += kDrawnBlocks) draw_vectors<kDrawnVectors>(i, line_of);
    for (; i < count_; i += kLongLanes) draw_vectors<1>(i, line_of);
  }

  template <int kVectors, typename LineOf>
  void draw_vectors(int i, LineOf line_of) {
    Longs words[kVectors][4];
    for (int v = 0, at = i; v < kVectors; ++v, at += kLongLanes) {
      Longs part[4];
      for (int k = 0; k < 4; ++k) part[k] = load<Longs>(part_[k] + at);
      rounds_.join(part, line_of(at), words[v]);
    }
    rounds_.finish(words);
    for (int v = 0; v < kVectors; ++v) store_blocks(halves_ + (i + v * kLongLanes) * kBlockHalves, words[v]);
  }

  const PixelRounds rounds_;
  int x_ = -1, lines_ = 0;                 // of the chunk that the places are those of
  int line_halves_ = 0, line_blocks_ = 0;  // of one channel
  int count_ = 0;                          // blocks of all lines and channels
  // The results of begin_places() for each block, and its distance in lines from the first one.
  alignas(64) std::uint64_t part_[4][kMostBlocks + kLongLanes], below_[kMostBlocks + kLongLanes];
  alignas(64) std::uint16_t halves_[(kMostBlocks + kLongLanes) * kBlockHalves];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
