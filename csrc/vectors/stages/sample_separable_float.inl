// Part of stages.inl: filters along the axes of any dtype, in float32. As in fixed point, the source lines
// under an output line are summed first.
#pragma once

#include "vectors/stages/filter_line.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// kChannels is 3 or 4 for interleaved images, and 0 for any others.
template <typename T, int kChannels>
class SeparableFloat {
 public:
  static constexpr double kUnit = 1.0;

  SeparableFloat(const PlanRow& row, const SourceView& source, Scratch scratch)
      : row_(row),
        data_(source.data),
        axis_(y_axis(row, source)),
        filter_(row, 1),
        line_(row, source, sizeof(T)),
        memory_(lay_out_float_filter(row, scratch)) {}

  void sample(Chunk& chunk) {
    if (line_.find(chunk)) place_columns(chunk.count);
    place_lines(linear(row_.inverse + 3, chunk.x + 0.5, chunk.y + 0.5));
    line_.visit([&](std::ptrdiff_t offset, int at, int count) { sum_run(offset, count, memory_.line + at); },
                [&](std::ptrdiff_t offset, int at) { sum_run(offset, 1, memory_.line + at); });
    if constexpr (kChannels != 0)
      return with_constant(line_.most_taps(), [&](auto taps) { sum_pixels<taps.value>(chunk); });
    for (int c = 0; c < row_.channels; ++c)
      sum_elements(memory_.line + c * line_.plane(), chunk.count, chunk.value[c]);
  }

 private:
  // Taps of weight 0 are left out, as 0 times a NaN or an infinity is not 0. A pixel of fewer taps than
  // others has some more, which add 0 times -0: nothing changes by that.
  void place_columns(int count) {
    const int taps = line_.most_taps();
    for (int c = 0; c < row_.channels; ++c) memory_.line[line_.spare() + c * line_.plane()] = -0.0f;
    for (int i = 0; i < kChunk; ++i) {
      const Reach reach = line_.reach(i < count ? i : 0);
      double total = 0.0;
      for (int j = reach.begin; j < reach.end; ++j) total += line_.filter()(j + 0.5 - reach.s);
      int k = 0;
      for (int j = reach.begin; j < reach.end; ++j) {
        const auto weight = static_cast<float>(line_.filter()(j + 0.5 - reach.s) / total);
        if (weight != 0.0f) put_tap(i, k++, line_.element(j), weight);
      }
      while (k < taps) put_tap(i, k++, line_.spare(), 0.0f);
    }
  }

  void put_tap(int i, int k, int element, float weight) {
    memory_.at[k * kChunk + i] = element;
    if constexpr (kChannels == 0)
      memory_.weights[k * kChunk + i] = weight;
    else
      for (int lane = 0; lane < 4; ++lane)
        memory_.weights[pixel_weight(i, k, line_.most_taps()) + lane] = weight;
  }

  void place_lines(double s) {
    const Reach reach = filter_.reach(axis_, s);
    double total = 0.0;
    for (int j = reach.begin; j < reach.end; ++j) total += filter_(j + 0.5 - reach.s);
    line_count_ = 0;
    for (int j = reach.begin; j < reach.end; ++j) {
      const auto weight = static_cast<float>(filter_(j + 0.5 - reach.s) / total);
      if (weight != 0.0f) memory_.lines[line_count_++] = {data_ + inside(axis_, j) * axis_.stride, weight};
    }
  }

  void sum_run(std::ptrdiff_t offset, int count, float* to) const {
    for (int k = 0; k < line_count_; ++k) {
      const unsigned char* from = memory_.lines[k].data + offset;
      const float weight = memory_.lines[k].weight;
      if (k == 0)
        for (int i = 0; i < count; ++i) to[i] = weight * load_element<T>(from + i * sizeof(T));
      else
        for (int i = 0; i < count; ++i) to[i] += weight * load_element<T>(from + i * sizeof(T));
    }
  }

  template <int kTaps>
  void sum_pixels(Chunk& chunk) const {
    const int taps = kTaps ? kTaps : line_.most_taps();
    const float* weights = memory_.weights;
    for (int i = 0; i < chunk.count; i += kLanes) {
      Ints sums[4];
      for (int m = 0; m < 4; ++m) {
        Floats sum{};
        for (int k = 0; k < taps; ++k, weights += kLanes) {
          const Floats part =
              pixels_at<Floats>(memory_.line, memory_.at + k * kChunk + i + m) * load<Floats>(weights);
          sum = k == 0 ? part : sum + part;
        }
        sums[m] = reinterpret_cast<Ints>(sum);
      }
      transpose(sums);
      for (int c = 0; c < kChannels; ++c) store(chunk.value[c] + i, sums[c]);
    }
  }

  void sum_elements(const float* line, int count, float* value) const {
    for (int k = 0; k < line_.most_taps(); ++k) {
      const std::int32_t* at = memory_.at + k * kChunk;
      const float* weight = memory_.weights + k * kChunk;
      alignas(64) float tap[kChunk];
      for (int i = 0; i < count; ++i) tap[i] = line[at[i]];
      for (int i = 0; i < count; ++i) value[i] = k == 0 ? weight[i] * tap[i] : value[i] + weight[i] * tap[i];
    }
  }

  const PlanRow& row_;
  const unsigned char* data_;
  const Axis axis_;
  const Filter filter_;
  FilterLine line_;
  const FloatFilterMemory memory_;
  int line_count_ = 0;
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
