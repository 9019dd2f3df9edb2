// Part of stages.inl: sampling any dtype with a fixed number of taps, in float32.
#pragma once

#include "border.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

template <typename T>
T load_element(const unsigned char* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);  // strided views need not be aligned
  return value;
}

// Keys' cubic convolution kernel; `a` is its slope at 1.
double keys(double t, double a) {
  t = absolute(t);
  if (t < 1.0) return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
  if (t < 2.0) return ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a;
  return 0.0;
}

// An interpolation is a fixed number of neighbouring taps: `place` finds their weights and returns the
// first one's index.
struct Nearest {
  static constexpr int kTaps = 1;
  static int place(double s, float* weight) {
    weight[0] = 1.0f;
    return floor_to_int(s);
  }
};

struct Bilinear {
  static constexpr int kTaps = 2;
  static int place(double s, float* weight) {
    const int first = floor_to_int(s - 0.5);
    const double f = (s - 0.5) - first;
    weight[0] = static_cast<float>(1.0 - f);
    weight[1] = static_cast<float>(f);
    return first;
  }
};

struct Bicubic {
  static constexpr int kTaps = 4;
  static int place(double s, float* weight) {
    const int centre = floor_to_int(s - 0.5);
    const double f = (s - 0.5) - centre;
    for (int i = 0; i < kTaps; ++i) weight[i] = static_cast<float>(keys(f + 1.0 - i, -0.75));
    return centre - 1;
  }
};

// The taps of a chunk's pixels on one axis.
template <typename Kernel>
struct AxisTaps {
  std::ptrdiff_t offset[Kernel::kTaps][kChunk];  // bytes
  alignas(64) float weight[Kernel::kTaps][kChunk];

  void place(const Axis& axis, const double* s, int count) {
    for (int i = 0; i < count; ++i) {
      float w[Kernel::kTaps];
      const int first = Kernel::place(s[i], w);
      for (int k = 0; k < Kernel::kTaps; ++k) {
        offset[k][i] = inside(axis, first + k) * axis.stride;
        weight[k][i] = w[k];
      }
    }
  }
};

template <typename T, typename Kernel>
class General {
 public:
  static constexpr double kUnit = 1.0;

  General(const PlanRow& row, const SourceView& source, const Scratch&) : row_(row), source_(source) {}

  void sample(Chunk& chunk) {
    double sx[kChunk], sy[kChunk];
    find_positions(row_, chunk.x, chunk.y, chunk.count, sx, sy);
    across_.place(x_axis(row_, source_), sx, chunk.count);
    down_.place(y_axis(row_, source_), sy, chunk.count);
    for (int c = 0; c < row_.channels; ++c)
      sum_taps(source_.data + c * source_.stride_c, chunk.count, chunk.value[c]);
  }

 private:
  void sum_taps(const unsigned char* plane, int count, float* value) const {
    alignas(64) float line[kChunk];
    for (int k = 0; k < Kernel::kTaps; ++k) {
      sum_line(plane, down_.offset[k], count, line);
      for (int i = 0; i < count; ++i) {
        const float part = Kernel::kTaps == 1 ? line[i] : down_.weight[k][i] * line[i];
        value[i] = k == 0 ? part : value[i] + part;
      }
    }
  }

  // Along the lines that start at `down`.
  void sum_line(const unsigned char* plane, const std::ptrdiff_t* down, int count, float* line) const {
    for (int k = 0; k < Kernel::kTaps; ++k) {
      alignas(64) float tap[kChunk];
      for (int i = 0; i < count; ++i)
        tap[i] = static_cast<float>(load_element<T>(plane + down[i] + across_.offset[k][i]));
      for (int i = 0; i < count; ++i) {
        const float part = Kernel::kTaps == 1 ? tap[i] : across_.weight[k][i] * tap[i];
        line[i] = k == 0 ? part : line[i] + part;
      }
    }
  }

  const PlanRow& row_;
  const SourceView source_;
  AxisTaps<Kernel> across_, down_;
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
