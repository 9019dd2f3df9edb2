// Part of stages.inl: sampling any dtype with a fixed number of taps, in float32.
#pragma once

#include "pass/interpolation.h"
#include "vectors/stages/border.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// The taps of a chunk's pixels on one axis.
template <typename Kernel>
struct AxisTaps {
  static constexpr int kTaps = Kernel::kTaps;
  std::ptrdiff_t offset[kTaps][kChunk];  // bytes
  alignas(64) float weight[kTaps][kChunk];

  void place(const Axis& axis, const double* s, int count) {
    int first[kChunk];
    for (int i = 0; i < count; ++i) {
      const double shifted = s[i] + Kernel::kShift;
      first[i] = floor_to_int(shifted);
      float w[kTaps];
      Kernel::weigh(shifted - first[i], w);
      for (int k = 0; k < kTaps; ++k) weight[k][i] = w[k];
    }
    if (lie_inside(axis, first, count)) {
      for (int k = 0; k < kTaps; ++k)
        for (int i = 0; i < count; ++i) offset[k][i] = (first[i] + k) * axis.stride;
    } else {
      for (int k = 0; k < kTaps; ++k)
        for (int i = 0; i < count; ++i) offset[k][i] = inside(axis, first[i] + k) * axis.stride;
    }
  }

 private:
  static bool lie_inside(const Axis& axis, const int* first, int count) {
    int room = 0;
    for (int i = 0; i < count; ++i) room |= first[i] | (axis.size - kTaps - first[i]);
    return room >= 0;
  }
};

// Four elements as floats.
template <typename T>
Quad load_four(const unsigned char* from) {
  using Wide = std::int32_t __attribute__((vector_size(16)));
  if constexpr (sizeof(T) == sizeof(float)) {
    return load<Quad>(from);
  } else {
    T element[4];
    __builtin_memcpy(element, from, sizeof element);
    return __builtin_convertvector(Wide{element[0], element[1], element[2], element[3]}, Quad);
  }
}

// Under any map, or with kIsAligned under one where x depends on the column alone and y on the line.
// Across and Down are the kernels along x and y. kChannels is 3 or 4 for interleaved images, and 0 for any
// others.
template <typename T, typename Across, typename Down, bool kIsAligned, int kChannels>
class General {
 public:
  static constexpr double kUnit = 1.0;

  General(const PlanRow& row, const SourceView& source, const Scratch&)
      : row_(row),
        source_(source),
        x_(x_axis(row, source)),
        y_(y_axis(row, source)),
        last_(source.data + (y_.stride > 0 ? (y_.size - 1) * y_.stride : 0) + (x_.size - 1) * x_.stride) {}

  void sample(Chunk& chunk) {
    find_taps(chunk);
    if constexpr (kChannels != 0) return sum_pixels(chunk);
    for (int c = 0; c < row_.channels; ++c)
      sum_taps(source_.data + c * source_.stride_c, chunk.count, chunk.value[c]);
  }

 private:
  void find_taps(const Chunk& chunk) {
    if (kIsAligned && chunk.x == columns_at_) {
      double sx[kLongLanes], sy[kLongLanes];
      find_positions(row_, chunk.x, chunk.y, 1, sx, sy);
      return down_.place(y_, sy, 1);
    }
    if (!kIsAligned && chunk.located != nullptr) return place_located(*chunk.located, chunk.count);
    double sx[kChunk], sy[kChunk];
    find_positions(row_, chunk.x, chunk.y, chunk.count, sx, sy);
    columns_at_ = chunk.x;
    across_.place(x_, sx, chunk.count);
    down_.place(y_, sy, kIsAligned ? 1 : chunk.count);
  }

  // Apart, so that the compiler knows all about the positions above.
  [[gnu::noinline]] void place_located(const Located& at, int count) {
    across_.place(x_, at.x, count);
    down_.place(y_, at.y, count);
  }

  // Adds part k of a sum; a single one is not weighed.
  template <typename Kernel, typename V>
  static void add(int k, float weight, V value, V& sum) {
    const V part = Kernel::kTaps == 1 ? value : weight * value;
    sum = k == 0 ? part : sum + part;
  }

  // An element more than a pixel of three channels has, which the last one in memory may lack.
  Quad load_pixel(const unsigned char* from) const {
    if (kChannels == 4 || from != last_) return load_four<T>(from);
    unsigned char padded[4 * sizeof(T)] = {};
    __builtin_memcpy(padded, from, kChannels * sizeof(T));
    return load_four<T>(padded);
  }

  // All channels of a pixel at a time.
  void sum_pixels(Chunk& chunk) const {
    Quad sum[kChunk];
    for (int i = 0; i < chunk.count; ++i) {
      const int at = kIsAligned ? 0 : i;
      for (int k = 0; k < Down::kTaps; ++k) {
        Quad line;
        for (int j = 0; j < Across::kTaps; ++j) {
          const unsigned char* from = source_.data + down_.offset[k][at] + across_.offset[j][i];
          add<Across>(j, across_.weight[j][i], load_pixel(from), line);
        }
        add<Down>(k, down_.weight[k][at], line, sum[i]);
      }
    }
    for (int i = 0; i < chunk.count; ++i)
      for (int c = 0; c < kChannels; ++c) chunk.value[c][i] = sum[i][c];
  }

  // One channel of all pixels at a time.
  void sum_taps(const unsigned char* plane, int count, float* value) const {
    alignas(64) float line[kChunk];
    for (int k = 0; k < Down::kTaps; ++k) {
      sum_line(plane, down_.offset[k], count, line);
      const float* weight = down_.weight[k];
      for (int i = 0; i < count; ++i) add<Down>(k, weight[kIsAligned ? 0 : i], line[i], value[i]);
    }
  }

  // Along the lines that start at `down`.
  void sum_line(const unsigned char* plane, const std::ptrdiff_t* down, int count, float* line) const {
    for (int k = 0; k < Across::kTaps; ++k) {
      alignas(64) float tap[kChunk];
      const std::ptrdiff_t* across = across_.offset[k];
      for (int i = 0; i < count; ++i)
        tap[i] = static_cast<float>(load_element<T>(plane + down[kIsAligned ? 0 : i] + across[i]));
      const float* weight = across_.weight[k];
      for (int i = 0; i < count; ++i) add<Across>(k, weight[i], tap[i], line[i]);
    }
  }

  const PlanRow& row_;
  const SourceView source_;
  const Axis x_, y_;
  const unsigned char* const last_;  // pixel in memory of an interleaved image
  int columns_at_ = -1;
  AxisTaps<Across> across_;
  AxisTaps<Down> down_;
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
