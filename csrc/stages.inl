// The stages of a pass as docs/design/numerics.md defines them, compiled once an ISA: isa/<name>.cpp names
// the ISA, includes its vector wrapper and then this file. All but the entry point has internal linkage,
// and nothing comes from the standard library: of an inline function that several objects share, the
// linker keeps one copy, which may be one that needs a higher ISA.
#include "kernel.h"
#include "philox.h"
#include "position.inl"
#include "sample.inl"
#include "sample_antialiased.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// ---- Constant border ----------------------------------------------------------------------------------

double ramp(double distance, double edge) { return within(0.5 + distance / edge, 0.0, 1.0); }

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

constexpr double kNoiseScale = 6913.91086867628;  // sqrt(3132762587136 / 65536)

// The two summands of a normal variate times kNoiseScale, by the low and the high byte of its bits.
struct NormalTables {
  std::int16_t low[256], high[256];
};

constexpr NormalTables make_normal_tables() {
  constexpr int kNibble[16] = {-127, -79, -57, -44, -33, -23, -13, -4, 4, 13, 23, 33, 44, 57, 79, 127};
  NormalTables tables{};
  for (int b = 0; b < 256; ++b) {
    tables.low[b] = static_cast<std::int16_t>(53 * kNibble[b & 15] + 56 * kNibble[b >> 4]);
    tables.high[b] = static_cast<std::int16_t>(60 * kNibble[b & 15] + 59 * kNibble[b >> 4]);
  }
  return tables;
}

constexpr NormalTables kNormal = make_normal_tables();

void draw_normals(const PlanRow& row, const Chunk& chunk, int channel, double* z) {
  for (int i = 0; i < chunk.count; i += 8) {
    const std::uint32_t position = static_cast<std::uint32_t>(channel) << 28 | (chunk.x + i) >> 3;
    const PhiloxBlock bits =
        philox4x32({{position, static_cast<std::uint32_t>(chunk.y), row.stream[2], row.stream[3]}},
                   row.stream[0], row.stream[1]);
    for (int k = 0; k < 4; ++k) {
      const std::uint32_t word = bits.word[k];
      z[i + 2 * k] = kNormal.low[word & 255] + kNormal.high[word >> 8 & 255];
      z[i + 2 * k + 1] = kNormal.low[word >> 16 & 255] + kNormal.high[word >> 24];
    }
  }
}

void add_noise(const PlanRow& row, Chunk& chunk) {
  const Doubles mean = Doubles::broadcast(row.noise_parameters[0]);
  const Doubles scale = Doubles::broadcast(row.noise_parameters[1] / kNoiseScale);
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

using Sample = void (*)(const PlanRow&, const SourceView&, Chunk&, const Scratch&);
using Store = void (*)(const PlanRow&, const OutputView&, const Chunk&);

template <typename T>
Sample choose_sample(const PlanRow& row) {
  const Interpolation interpolation = static_cast<Interpolation>(row.interpolation);
  if (interpolation == Interpolation::kNearest) return sample<T, Nearest>;
  if (row.antialias) return is_upright(row) ? sample_antialiased_upright<T> : sample_antialiased<T>;
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
              unsigned char* memory) {
  const auto find_positions = is_affine(row) ? find_positions_affine : find_positions_projective;
  const Sample sample = choose_sample(row);
  const Store store = choose_store(row);
  const bool blends = static_cast<Border>(row.border) == Border::kConstant;
  const bool noisy = static_cast<Noise>(row.noise) == Noise::kGaussian;
  const int width = row.output_size[1];
  const Scratch scratch = lay_out(row, memory);
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
