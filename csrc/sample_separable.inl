// Part of stages.inl: filters along the axes of uint8 images, in fixed point. The source lines under an
// output line are summed first, into one line of 16-bit elements, and the output's pixels are sums along
// that.
#pragma once

#include "filter_taps.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kLineBits = 6;      // fractional bits of the summed line
constexpr int kSampleBits = 16;   // and of the samples: as many as leave a float exact
constexpr int kRun = 4 * kLanes;  // elements that are summed at a time

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

// kChannels is 3 or 4 for interleaved images, and 0 for any others.
template <int kChannels>
class SeparableFixed {
 public:
  static constexpr double kUnit = 1 << kSampleBits;

  SeparableFixed(const PlanRow& row, const SourceView& source, Scratch scratch)
      : row_(row),
        source_(source),
        x_(x_axis(row, source)),
        y_(y_axis(row, source)),
        across_(row, 0),
        down_(row, 1),
        shift_x_(weight_bits(row, 0) + kLineBits - kSampleBits),
        shift_y_(weight_bits(row, 1) - kLineBits),
        interleaved_(source.stride_c == 1 && source.stride_x == row.channels),
        memory_(lay_out_fixed_filter(row, scratch)) {}

  void sample(Chunk& chunk) {
    sum_columns(chunk);
    if constexpr (kChannels != 0)
      return sum_pixels(chunk.count, [&chunk](int i, const Ints(&sums)[4]) {
        for (int c = 0; c < kChannels; ++c) store(chunk.value[c] + i, to_floats(sums[c]));
      });
    for (int c = 0; c < row_.channels; ++c)
      sum_elements(memory_.line + c * plane_, chunk.count, chunk.value[c]);
  }

  // The same, rounded to uint8 and interleaved.
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

  Reach reach_of(const Chunk& chunk, int i) const {
    return across_.reach(x_, linear(row_.inverse, chunk.x + i + 0.5, chunk.y + 0.5));
  }

  void place_columns(const Chunk& chunk) {
    placed_at_ = chunk.x;
    columns_ = {reach_of(chunk, 0).begin, reach_of(chunk, 0).end};
    int most = 0;
    for (int i = 0; i < chunk.count; ++i) {
      const Reach reach = reach_of(chunk, i);
      columns_.begin = reach.begin < columns_.begin ? reach.begin : columns_.begin;
      columns_.end = reach.end > columns_.end ? reach.end : columns_.end;
      most = reach.end - reach.begin > most ? reach.end - reach.begin : most;
    }
    pairs_ = (most + 1) / 2;
    step_ = interleaved_ ? row_.channels : 1;
    plane_ = interleaved_ ? 1 : columns_.end - columns_.begin + kOverread;
    for (int i = 0; i < kChunk; ++i) place_column(i, i < chunk.count ? reach_of(chunk, i) : Reach{0.0, 0, 0});
  }

  void place_column(int i, const Reach& reach) {
    std::int16_t weight[kMostFixedTaps] = {};
    weigh_fixed(across_, reach, kSampleBits - kLineBits + shift_x_, weight);
    memory_.first[i] = reach.end == reach.begin ? 0 : (reach.begin - columns_.begin) * step_;
    for (int k = 0; k < pairs_; ++k) put_weights(i, k, weight_pair(weight[2 * k], weight[2 * k + 1]));
  }

  // Where pixels are summed with all their channels, the weights stand in the order in which they are read:
  // each four times, in those lanes that hold the pixel.
  void put_weights(int i, int k, std::int32_t pair) {
    if constexpr (kChannels == 0) {
      memory_.weights[k * kChunk + i] = pair;
    } else {
      const int block = i / kLanes * 4 + i % 4, group = i % kLanes / 4;
      std::int32_t* to = memory_.weights + (block * pairs_ + k) * kLanes + 4 * group;
      for (int c = 0; c < 4; ++c) to[c] = pair;
    }
  }

  void place_lines(double s) {
    const Reach reach = down_.reach(y_, s);
    std::int16_t weight[kMostFixedTaps];
    weigh_fixed(down_, reach, kLineBits + shift_y_, weight);
    const int count = reach.end - reach.begin;
    weight[count] = 0;
    const auto line = [&](int k) { return source_.data + inside(y_, reach.begin + k) * y_.stride; };
    line_pairs_ = (count + 1) / 2;
    for (int k = 0; k < line_pairs_; ++k)
      memory_.lines[k] = {line(2 * k), line(2 * k + 1 < count ? 2 * k + 1 : 2 * k),
                          weight_pair(weight[2 * k], weight[2 * k + 1])};
  }

  // ---- Down: sums over source lines -----------------------------------------------------------------------

  // Columns inside the source that lie side by side are summed by vectors, the others one by one.
  void sum_columns(const Chunk& chunk) {
    if (chunk.x != placed_at_) place_columns(chunk);
    place_lines(linear(row_.inverse + 3, chunk.x + 0.5, chunk.y + 0.5));
    Range inside_{columns_.begin > 0 ? columns_.begin : 0, columns_.end < x_.size ? columns_.end : x_.size};
    if (inside_.end < inside_.begin || !(interleaved_ || x_.stride == 1))
      inside_ = {columns_.end, columns_.end};
    const int count = inside_.end - inside_.begin;
    std::int16_t* line = memory_.line + (inside_.begin - columns_.begin) * step_;
    if (interleaved_)
      sum_run(inside_.begin * x_.stride, count * row_.channels, line);
    else
      for (int c = 0; c < row_.channels; ++c)
        sum_run(inside_.begin + c * source_.stride_c, count, line + c * plane_);
    for (int j = columns_.begin; j < inside_.begin; ++j) sum_column(j);
    for (int j = inside_.end; j < columns_.end; ++j) sum_column(j);
  }

  void sum_column(int j) {
    std::int16_t* to = memory_.line + (j - columns_.begin) * step_;
    const std::ptrdiff_t offset = inside(x_, j) * x_.stride;
    for (int c = 0; c < row_.channels; ++c) to[c * plane_] = sum_lines(offset + c * source_.stride_c);
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
    for (int k = 0; k < pairs_; ++k, line += 2 * step_) {
      for (int i = 0; i < count; ++i)
        pairs[i] = weight_pair(line[memory_.first[i]], line[memory_.first[i] + step_]);
      for (int i = 0; i < count; i += kLanes)
        store(sums + i, load<Ints>(sums + i) + multiply_add(load<Ints>(pairs + i),
                                                            load<Ints>(memory_.weights + k * kChunk + i)));
    }
    for (int i = 0; i < count; i += kLanes) store(value + i, to_floats(load<Ints>(sums + i) >> shift_x_));
  }

  const PlanRow& row_;
  const SourceView source_;
  const Axis x_, y_;
  const Filter across_, down_;
  const int shift_x_, shift_y_;
  const bool interleaved_;
  const FixedFilterMemory memory_;
  int placed_at_ = -1, pairs_ = 0, line_pairs_ = 0;
  Range columns_{0, 0};                  // of the source that the chunk touches, and beyond
  std::ptrdiff_t step_ = 0, plane_ = 0;  // elements of the line from a column, and a channel, to the next
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
