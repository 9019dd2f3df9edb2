// The stages of a pass as docs/design/numerics.md defines them, compiled once an ISA: isa/<name>.cpp names
// the ISA, includes its vector wrapper and then this file. All but the entry point has internal linkage,
// and nothing comes from the standard library: of an inline function that several objects share, the
// linker keeps one copy, which may be one that needs a higher ISA.
#include "kernel.h"
#include "philox.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr double kFarthest = 33554432.0;  // 2^25, beyond every position of a valid row
constexpr int kChunk = 256;  // output columns at a time: a multiple of all vector widths and of a noise block

// A run of pixels of one output line on its way through the stages.
struct Chunk {
  int y, x, count;
  double sx[kChunk], sy[kChunk];  // positions in the source
  double value[kMaxChannels][kChunk];
};

// ---- Position -----------------------------------------------------------------------------------------

Doubles linear(const double* m, Doubles x, Doubles y) {
  return Doubles::broadcast(m[0]) * x + Doubles::broadcast(m[1]) * y + Doubles::broadcast(m[2]);
}

void find_positions_affine(const PlanRow& row, Chunk& chunk) {
  const Doubles y = Doubles::broadcast(chunk.y + 0.5);
  for (int i = 0; i < chunk.count; i += Doubles::kLanes) {
    const Doubles x = Doubles::ramp(chunk.x + i + 0.5);
    linear(row.inverse, x, y).store(chunk.sx + i);
    linear(row.inverse + 3, x, y).store(chunk.sy + i);
  }
}

// The corners are known to be within 2^24, but with extreme matrices rounding can spoil the pixels
// between them. The bound keeps indices valid; no sound matrix reaches it.
void find_positions_projective(const PlanRow& row, Chunk& chunk) {
  const Doubles y = Doubles::broadcast(chunk.y + 0.5);
  for (int i = 0; i < chunk.count; i += Doubles::kLanes) {
    const Doubles x = Doubles::ramp(chunk.x + i + 0.5);
    const Doubles w = linear(row.inverse + 6, x, y);
    (linear(row.inverse, x, y) / w).bounded(kFarthest).store(chunk.sx + i);
    (linear(row.inverse + 3, x, y) / w).bounded(kFarthest).store(chunk.sy + i);
  }
}

// ---- Border -------------------------------------------------------------------------------------------

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

// ---- Sampling -----------------------------------------------------------------------------------------

template <typename T>
double load(const unsigned char* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);  // strided views need not be aligned
  return value;
}

double absolute(double value) { return value < 0.0 ? -value : value; }

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

template <typename Kernel>
Taps<Kernel::kTaps> place_taps(const Axis& axis, double s) {
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

template <typename T, typename Kernel>
void sample(const PlanRow& row, const SourceView& source, Chunk& chunk, Tap*) {
  const Axis x = x_axis(row, source), y = y_axis(row, source);
  for (int i = 0; i < chunk.count; ++i) {
    const auto across = place_taps<Kernel>(x, chunk.sx[i]);
    const auto down = place_taps<Kernel>(y, chunk.sy[i]);
    for (int c = 0; c < row.channels; ++c) {
      const unsigned char* plane = source.data + c * source.stride_c;
      double sum = down.weight[0] * weigh_line<T>(plane + down.offset[0], across);
      for (int j = 1; j < Kernel::kTaps; ++j)
        sum += down.weight[j] * weigh_line<T>(plane + down.offset[j], across);
      chunk.value[c][i] = sum;
    }
  }
}

// ---- Antialiased sampling -----------------------------------------------------------------------------

// A filter that widens with the size of an output pixel in the source.
struct Filter {
  bool cubic;
  double support, radius;

  Filter(const PlanRow& row, int axis)
      : cubic(static_cast<Interpolation>(row.interpolation) == Interpolation::kBicubic),
        support(row.support[axis]),
        radius(filter_radius(row, axis)) {}

  double operator()(double distance) const {
    const double t = distance / support;
    return cubic ? keys(t, -0.5) : 1.0 - absolute(t);
  }
};

// The pixels [first, end) around a position, each with its weight. Taps beyond the source are left out
// (`clips`) or mapped; where they outnumber the source's pixels, those of one pixel are folded together.
int gather_taps(const Axis& axis, const Filter& filter, double s, Tap* taps) {
  const bool clips = axis.border == Border::kReplicate || axis.border == Border::kConstant;
  if (clips) s = s < 0.0 ? 0.0 : (s > axis.size ? axis.size : s);
  int first = floor_to_int(s - filter.radius - 0.5) + 1;
  int end = floor_to_int(s + filter.radius + 0.5) + 1;
  if (clips && first < 0) first = 0;
  if (clips && end > axis.size) end = axis.size;

  const bool folds = end - first > axis.size;
  int count = folds ? axis.size : 0;
  for (int i = 0; i < count; ++i) taps[i] = {i * axis.stride, 0.0};
  double total = 0.0;
  for (int j = first; j < end; ++j) {
    const double distance = j + 0.5 - s;
    if (absolute(distance) >= filter.radius) continue;
    const double weight = filter(distance);
    total += weight;
    const int index = inside(axis, j);
    if (folds)
      taps[index].weight += weight;
    else
      taps[count++] = {index * axis.stride, weight};
  }
  for (int i = 0; i < count; ++i) taps[i].weight /= total;
  return count;
}

template <typename T>
double weigh_line(const unsigned char* line, const Tap* taps, int count) {
  double sum = 0.0;
  for (int i = 0; i < count; ++i) sum += taps[i].weight * load<T>(line + taps[i].offset);
  return sum;
}

template <typename T>
void sample_antialiased(const PlanRow& row, const SourceView& source, Chunk& chunk, Tap* scratch) {
  const Axis x = x_axis(row, source), y = y_axis(row, source);
  const Filter filter_x(row, 0), filter_y(row, 1);
  Tap* across = scratch;
  Tap* down = scratch + tap_capacity(row, 0);
  int height = 0;
  for (int i = 0; i < chunk.count; ++i) {
    const int width = gather_taps(x, filter_x, chunk.sx[i], across);
    if (i == 0 || chunk.sy[i] != chunk.sy[i - 1]) height = gather_taps(y, filter_y, chunk.sy[i], down);
    for (int c = 0; c < row.channels; ++c) {
      const unsigned char* plane = source.data + c * source.stride_c;
      double sum = 0.0;
      for (int j = 0; j < height; ++j)
        sum += down[j].weight * weigh_line<T>(plane + down[j].offset, across, width);
      chunk.value[c][i] = sum;
    }
  }
}

// ---- Constant border ----------------------------------------------------------------------------------

double ramp(double distance, double edge) {
  const double k = 0.5 + distance / edge;
  return k < 0.0 ? 0.0 : (k > 1.0 ? 1.0 : k);
}

// How much of the sample at (sx, sy) is image rather than fill.
double coverage(const PlanRow& row, double sx, double sy) {
  const double width = row.source_size[1], height = row.source_size[0];
  if (static_cast<Interpolation>(row.interpolation) == Interpolation::kNearest)
    return sx >= 0.0 && sx < width && sy >= 0.0 && sy < height ? 1.0 : 0.0;
  return ramp(sx, row.edge[0]) * ramp(width - sx, row.edge[0]) *
         (ramp(sy, row.edge[1]) * ramp(height - sy, row.edge[1]));
}

void blend_fill(const PlanRow& row, Chunk& chunk) {
  for (int i = 0; i < chunk.count; ++i) {
    const double k = coverage(row, chunk.sx[i], chunk.sy[i]);
    if (k == 1.0) continue;
    for (int c = 0; c < row.channels; ++c) {
      double& value = chunk.value[c][i];
      value = k == 0.0 ? row.fill[c] : row.fill[c] * (1.0 - k) + value * k;
    }
  }
}

// ---- Noise --------------------------------------------------------------------------------------------

constexpr int kNibble[16] = {-127, -79, -57, -44, -33, -23, -13, -4, 4, 13, 23, 33, 44, 57, 79, 127};
constexpr double kNoiseScale = 6913.91086867628;  // sqrt(3132762587136 / 65536)

// A normal variate from 16 random bits, times kNoiseScale.
int normal(std::uint32_t bits) {
  return 53 * kNibble[bits & 15] + 56 * kNibble[bits >> 4 & 15] + 60 * kNibble[bits >> 8 & 15] +
         59 * kNibble[bits >> 12 & 15];
}

void draw_normals(const PlanRow& row, const Chunk& chunk, int channel, double* z) {
  for (int i = 0; i < chunk.count; i += 8) {
    const std::uint32_t position = static_cast<std::uint32_t>(channel) << 28 | (chunk.x + i) >> 3;
    const PhiloxBlock bits =
        philox4x32({{position, static_cast<std::uint32_t>(chunk.y), row.stream[2], row.stream[3]}},
                   row.stream[0], row.stream[1]);
    for (int k = 0; k < 8; ++k) z[i + k] = normal(bits.word[k >> 1] >> (16 * (k & 1)));
  }
}

void add_noise(const PlanRow& row, Chunk& chunk) {
  const Doubles mean = Doubles::broadcast(row.noise_mean);
  const Doubles scale = Doubles::broadcast(row.noise_sigma / kNoiseScale);
  double z[kChunk];
  for (int c = 0; c < row.channels; ++c) {
    draw_normals(row, chunk, c, z);
    for (int i = 0; i < chunk.count; i += Doubles::kLanes)
      (Doubles::load(chunk.value[c] + i) + (mean + scale * Doubles::load(z + i))).store(chunk.value[c] + i);
  }
}

// ---- Clamp, gain, store -------------------------------------------------------------------------------

template <typename T>
void store(const PlanRow& row, const OutputView& output, const Chunk& chunk) {
  const Doubles low = Doubles::broadcast(row.clamp[0]), high = Doubles::broadcast(row.clamp[1]);
  T line[kChunk];
  for (int c = 0; c < row.channels; ++c) {
    const Doubles gain = Doubles::broadcast(row.gain[c]), bias = Doubles::broadcast(row.bias[c]);
    for (int i = 0; i < chunk.count; i += Doubles::kLanes)
      (Doubles::load(chunk.value[c] + i).clamped(low, high) * gain + bias).store(line + i);
    unsigned char* to = output.data + c * output.stride_c + chunk.y * output.stride_y;
    __builtin_memcpy(to + chunk.x * sizeof(T), line, chunk.count * sizeof(T));
  }
}

// ---- Choice -------------------------------------------------------------------------------------------

using Sample = void (*)(const PlanRow&, const SourceView&, Chunk&, Tap*);
using Store = void (*)(const PlanRow&, const OutputView&, const Chunk&);

template <typename T>
Sample choose_sample(const PlanRow& row) {
  const Interpolation interpolation = static_cast<Interpolation>(row.interpolation);
  if (interpolation == Interpolation::kNearest) return sample<T, Nearest>;
  if (row.antialias) return sample_antialiased<T>;
  return interpolation == Interpolation::kBilinear ? sample<T, Bilinear> : sample<T, Bicubic>;
}

Sample choose_sample(const PlanRow& row) {
  switch (static_cast<DType>(row.source_dtype)) {
    case DType::kUint8:
      return choose_sample<std::uint8_t>(row);
    case DType::kUint16:
      return choose_sample<std::uint16_t>(row);
    default:
      return choose_sample<float>(row);
  }
}

Store choose_store(const PlanRow& row) {
  switch (static_cast<DType>(row.output_dtype)) {
    case DType::kUint8:
      return store<std::uint8_t>;
    case DType::kUint16:
      return store<std::uint16_t>;
    default:
      return store<float>;
  }
}

}  // namespace

void run_tile(const PlanRow& row, const SourceView& source, const OutputView& output, int begin, int end,
              Tap* scratch) {
  const auto find_positions = is_affine(row) ? find_positions_affine : find_positions_projective;
  const Sample sample = choose_sample(row);
  const Store store = choose_store(row);
  const bool blends = static_cast<Border>(row.border) == Border::kConstant;
  const bool noisy = static_cast<Noise>(row.noise) == Noise::kGaussian;
  const int width = row.output_size[1];
  Chunk chunk;
  for (chunk.y = begin; chunk.y < end; ++chunk.y) {
    for (chunk.x = 0; chunk.x < width; chunk.x += kChunk) {
      chunk.count = width - chunk.x < kChunk ? width - chunk.x : kChunk;
      find_positions(row, chunk);
      sample(row, source, chunk, scratch);
      if (blends) blend_fill(row, chunk);
      if (noisy) add_noise(row, chunk);
      store(row, output, chunk);
    }
  }
}

}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
