// Part of stages.inl: filters along the axes of uint8 images, in fixed point. The source lines under an
// output line are summed first, into one line of 16-bit elements, and the output's pixels are sums along
// that.
#pragma once

#include "vectors/stages/filter_line.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kRun = 4 * kLanes;  // elements that are summed at a time

// kChannels is 3 or 4 for interleaved images, and 0 for any others.
template <int kChannels>
class SeparableFixed {
 public:
  static constexpr double kUnit = 1 << kSampleBits;

  SeparableFixed(const PlanRow& row, const SourceView& source, Scratch scratch)
      : row_(row),
        data_(source.data),
        axis_(y_axis(row, source)),
        filter_(row, 1),
        line_(row, source, 1),
        shift_x_(weight_bits(row, 0) + kLineBits - kSampleBits),
        shift_y_(weight_bits(row, 1) - kLineBits),
        memory_(lay_out_fixed_filter(row, scratch)) {}

  void sample(Chunk& chunk) {
    sum_columns(chunk);
    if constexpr (kChannels != 0)
      return sum_pixels(chunk.count, [&chunk](int i, const Ints(&sums)[4]) {
        for (int c = 0; c < kChannels; ++c) store(chunk.value[c] + i, to_floats(sums[c]));
      });
    for (int c = 0; c < row_.channels; ++c)
      sum_elements(memory_.line + c * line_.plane(), chunk.count, chunk.value[c]);
  }

  // Writes samples rounded to uint8 and interleaved.
  void sample_bytes(const Chunk& chunk, unsigned char* to) {
    sum_columns(chunk);
    alignas(64) std::int32_t pixels[kChunk];
    sum_pixels(chunk.count, [&pixels](int i, const Ints(&sums)[4]) {
      Ints bytes{};
      for (int c = 0; c < kChannels; ++c) bytes |= round_to_byte(sums[c]) << (8 * c);
      store(pixels + i, bytes);
    });
    const int last = chunk.count - 1;
    for (int i = 0; i < last; ++i) __builtin_memcpy(to + kChannels * i, pixels + i, sizeof *pixels);
    __builtin_memcpy(to + kChannels * last, pixels + last, kChannels);
  }

 private:
  static Ints round_to_byte(Ints sum) {
    const Ints rounded = (sum + (1 << (kSampleBits - 1))) >> kSampleBits;
    return at_most(at_least(rounded, Ints{}), broadcast(255));
  }

  // ---- Where the taps lie ---------------------------------------------------------------------------------

  void place_columns(int count) {
    pairs_ = (line_.most_taps() + 1) / 2;
    for (int i = 0; i < kChunk; ++i) {
      std::int16_t weight[kMostTaps] = {};
      memory_.first[i] = 0;
      if (i < count) {
        const Reach reach = line_.reach(i);
        weigh_fixed(line_.filter(), reach, kSampleBits - kLineBits + shift_x_, weight);
        memory_.first[i] = line_.element(reach.begin);
      }
      for (int k = 0; k < pairs_; ++k) put_weights(i, k, weight_pair(weight[2 * k], weight[2 * k + 1]));
    }
  }

  void put_weights(int i, int k, std::int32_t pair) {
    if constexpr (kChannels == 0)
      memory_.weights[k * kChunk + i] = pair;
    else
      for (int lane = 0; lane < 4; ++lane) memory_.weights[pixel_weight(i, k, pairs_) + lane] = pair;
  }

  void place_lines(double s) {
    const Reach reach = filter_.reach(axis_, s);
    std::int16_t weight[kMostTaps];
    weigh_fixed(filter_, reach, kLineBits + shift_y_, weight);
    const int count = reach.end - reach.begin;
    weight[count] = 0;
    const auto line = [&](int k) { return data_ + inside(axis_, reach.begin + k) * axis_.stride; };
    line_pairs_ = (count + 1) / 2;
    for (int k = 0; k < line_pairs_; ++k)
      memory_.lines[k] = {line(2 * k), line(2 * k + 1 < count ? 2 * k + 1 : 2 * k),
                          weight_pair(weight[2 * k], weight[2 * k + 1])};
  }

  // ---- Down: sums over source lines -----------------------------------------------------------------------

  void sum_columns(const Chunk& chunk) {
    if (line_.find(chunk)) place_columns(chunk.count);
    place_lines(linear(row_.inverse + 3, chunk.x + 0.5, chunk.y + 0.5));
    std::int16_t* line = memory_.line;
    line_.visit([&](std::ptrdiff_t offset, int at, int count) { sum_run(offset, count, line + at); },
                [&](std::ptrdiff_t offset, int at) { line[at] = sum_lines(offset); });
  }

  std::int16_t sum_lines(std::ptrdiff_t offset) const {
    std::int32_t sum = 1 << (shift_y_ - 1);
    for (int k = 0; k < line_pairs_; ++k) {
      const LinePair& pair = memory_.lines[k];
      sum += static_cast<std::int16_t>(pair.weights) * pair.upper[offset] +
             (pair.weights >> 16) * pair.lower[offset];
    }
    return static_cast<std::int16_t>(sum >> shift_y_);
  }

  void sum_run(std::ptrdiff_t offset, int count, std::int16_t* to) const {
    if (count < kRun) {
      for (int i = 0; i < count; ++i) to[i] = sum_lines(offset + i);
      return;
    }
    with_constant(line_pairs_, [&](auto pairs) {
      for (int i = 0; i < count; i += kRun) {
        const int at = i + kRun <= count ? i : count - kRun;
        sum_vectors<pairs.value>(offset + at, to + at);
      }
    });
  }

  // The bytes of two lines, zipped by twos, are pairs to multiply: (upper, lower) of the even elements, and a
  // byte higher of the odd ones.
  template <int kPairs>
  void sum_vectors(std::ptrdiff_t offset, std::int16_t* to) const {
    constexpr int kVectors = kRun / (2 * kLanes);
    const int pairs = kPairs ? kPairs : line_pairs_;
    Ints even[kVectors], odd[kVectors];
    for (int v = 0; v < kVectors; ++v) even[v] = odd[v] = broadcast(1 << (shift_y_ - 1));
    for (int k = 0; k < pairs; ++k) {
      const LinePair& pair = memory_.lines[k];
      const Ints weights = broadcast(pair.weights);
      for (int v = 0; v < kVectors; ++v) {
        const std::ptrdiff_t at = offset + 2 * kLanes * v;
        const Ints bytes = zip(pair.upper + at, pair.lower + at);
        even[v] += multiply_add(bytes & 0x00ff00ff, weights);
        odd[v] += multiply_add((bytes >> 8) & 0x00ff00ff, weights);
      }
    }
    for (int v = 0; v < kVectors; ++v)
      store(to + 2 * kLanes * v, ((even[v] >> shift_y_) & 0xffff) | (odd[v] >> shift_y_) << 16);
  }

  // ---- Across: sums along the line ----

  // Calls `put` with the first of kLanes pixels and their channels' sums.
  template <typename Put>
  void sum_pixels(int count, const Put& put) const {
    with_constant(pairs_, [&](auto pairs) { sum_pixels<pairs.value>(count, put); });
  }

  template <int kPairs, typename Put>
  void sum_pixels(int count, const Put& put) const {
    const int pairs = kPairs ? kPairs : pairs_;
    const std::int32_t *weights = memory_.weights, *first = memory_.first;
    const std::int16_t* line = memory_.line;
    for (int i = 0; i < count; i += kLanes) {
      Ints sums[4];
      for (int m = 0; m < 4; ++m) {
        sums[m] = Ints{};
        for (int k = 0; k < pairs; ++k, weights += kLanes)
          sums[m] += multiply_add(pairs_of_pixels<kChannels>(line + 2 * kChannels * k, first + i + m),
                                  load<Ints>(weights));
        sums[m] >>= shift_x_;
      }
      transpose(sums);
      put(i, sums);
    }
  }

  void sum_elements(const std::int16_t* line, int count, float* value) const {
    alignas(64) std::int32_t sums[kChunk] = {}, pairs[kChunk];
    const int step = line_.step();
    for (int k = 0; k < pairs_; ++k, line += 2 * step) {
      for (int i = 0; i < count; ++i)
        pairs[i] = weight_pair(line[memory_.first[i]], line[memory_.first[i] + step]);
      for (int i = 0; i < count; i += kLanes)
        store(sums + i, load<Ints>(sums + i) + multiply_add(load<Ints>(pairs + i),
                                                            load<Ints>(memory_.weights + k * kChunk + i)));
    }
    for (int i = 0; i < count; i += kLanes) store(value + i, to_floats(load<Ints>(sums + i) >> shift_x_));
  }

  const PlanRow& row_;
  const unsigned char* data_;
  const Axis axis_;
  const Filter filter_;
  FilterLine line_;
  const int shift_x_, shift_y_;
  const FixedFilterMemory memory_;
  int pairs_ = 0, line_pairs_ = 0;
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
