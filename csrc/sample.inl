// Part of stages.inl: borders, and sampling with a fixed number of taps.
namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// One axis of a source image.
struct Axis {
  int size;
  std::ptrdiff_t stride;
  Border border;
};

int modulo(int value, int period) {
  const int rest = value % period;
  return rest < 0 ? rest + period : rest;
}

// The pixel that stands for one outside the source.
int map_outside(const Axis& axis, int index) {
  switch (axis.border) {
    case Border::kReflect: {
      const int at = modulo(index, 2 * axis.size);
      return at < axis.size ? at : 2 * axis.size - 1 - at;
    }
    case Border::kReflect101: {
      if (axis.size == 1) return 0;
      const int period = 2 * (axis.size - 1);
      const int at = modulo(index, period);
      return at < axis.size ? at : period - at;
    }
    case Border::kWrap:
      return modulo(index, axis.size);
    default:
      return index < 0 ? 0 : axis.size - 1;
  }
}

int inside(const Axis& axis, int index) {
  return index >= 0 && index < axis.size ? index : map_outside(axis, index);
}

template <typename T>
double load(const unsigned char* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);  // strided views need not be aligned
  return value;
}

double absolute(double value) { return value < 0.0 ? -value : value; }

double within(double value, double low, double high) {
  return value < low ? low : (value > high ? high : value);
}

int floor_to_int(double value) {
  const int truncated = static_cast<int>(value);
  return truncated - (truncated > value);
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
  static int place(double s, double* weight) {
    weight[0] = 1.0;
    return floor_to_int(s);
  }
};

struct Bilinear {
  static constexpr int kTaps = 2;
  static int place(double s, double* weight) {
    const int first = floor_to_int(s - 0.5);
    const double f = (s - 0.5) - first;
    weight[0] = 1.0 - f;
    weight[1] = f;
    return first;
  }
};

struct Bicubic {
  static constexpr int kTaps = 4;
  static int place(double s, double* weight) {
    const int centre = floor_to_int(s - 0.5);
    const double f = (s - 0.5) - centre;
    for (int i = 0; i < kTaps; ++i) weight[i] = keys(f + 1.0 - i, -0.75);
    return centre - 1;
  }
};

template <int kTaps>
struct Taps {
  std::ptrdiff_t offset[kTaps];
  double weight[kTaps];
};

// Inlined by force: returned through memory, the taps cost more than finding them.
template <typename Kernel>
__attribute__((always_inline)) inline Taps<Kernel::kTaps> place_taps(const Axis& axis, double s) {
  Taps<Kernel::kTaps> taps;
  const int first = Kernel::place(s, taps.weight);
  for (int i = 0; i < Kernel::kTaps; ++i) taps.offset[i] = inside(axis, first + i) * axis.stride;
  return taps;
}

template <typename T, int kTaps>
double weigh_line(const unsigned char* line, const Taps<kTaps>& taps) {
  double sum = taps.weight[0] * load<T>(line + taps.offset[0]);
  for (int i = 1; i < kTaps; ++i) sum += taps.weight[i] * load<T>(line + taps.offset[i]);
  return sum;
}

Axis x_axis(const PlanRow& row, const SourceView& source) {
  return {row.source_size[1], source.stride_x, static_cast<Border>(row.border)};
}

Axis y_axis(const PlanRow& row, const SourceView& source) {
  return {row.source_size[0], source.stride_y, static_cast<Border>(row.border)};
}

template <typename T, typename Kernel, int kChannels>
void sample_channels(const PlanRow& row, const SourceView& source, Chunk& chunk) {
  const Axis x = x_axis(row, source), y = y_axis(row, source);
  const int channels = kChannels ? kChannels : row.channels;
  for (int i = 0; i < chunk.count; ++i) {
    const auto across = place_taps<Kernel>(x, chunk.sx[i]);
    const auto down = place_taps<Kernel>(y, chunk.sy[i]);
    for (int c = 0; c < channels; ++c) {
      const unsigned char* plane = source.data + c * source.stride_c;
      double sum = down.weight[0] * weigh_line<T>(plane + down.offset[0], across);
      for (int j = 1; j < Kernel::kTaps; ++j)
        sum += down.weight[j] * weigh_line<T>(plane + down.offset[j], across);
      chunk.value[c][i] = sum;
    }
  }
}

// The loop over the channels is unrolled for grey and colour pictures.
template <typename T, typename Kernel>
void sample(const PlanRow& row, const SourceView& source, Chunk& chunk, const Scratch&) {
  if (row.channels == 1) return sample_channels<T, Kernel, 1>(row, source, chunk);
  if (row.channels == 3) return sample_channels<T, Kernel, 3>(row, source, chunk);
  sample_channels<T, Kernel, 0>(row, source, chunk);
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
