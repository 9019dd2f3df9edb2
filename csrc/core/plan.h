// The plan's rows as plain old data. augsynth/_native/layout.py mirrors this layout as a NumPy dtype, and the
// two are compared field by field when the extension is imported; docs/design/numerics.md says what
// each field means. Change a field, and raise kPlanVersion.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/host_device.h"

namespace augsynth {

constexpr std::uint32_t kPlanMagic = 0x4e4c5041;  // "APLN"
constexpr std::uint32_t kPlanVersion = 4;
constexpr int kMaxChannels = 16;

enum class DType : std::uint8_t { kUint8 = 0, kUint16 = 1, kFloat32 = 2, kFloat16 = 3, kBfloat16 = 4 };

// Bytes; `static`, so that each ISA's object keeps its own copy.
AUGSYNTH_HD static inline std::int64_t item_size(DType dtype) {
  return dtype == DType::kUint8 ? 1 : dtype == DType::kFloat32 ? 4 : 2;
}

enum class Interpolation : std::uint8_t { kNearest = 0, kBilinear = 1, kBicubic = 2 };
enum class Border : std::uint8_t { kConstant = 0, kReplicate = 1, kReflect = 2, kReflect101 = 3, kWrap = 4 };
enum class Noise : std::uint8_t {
  kNone = 0,
  kGaussian = 1,
  kExactGaussian = 2,
  kUniform = 3,
  kSaltAndPepper = 4,
  kPoisson = 5,
  kSpeckle = 6
};

// One sample in one pass.
struct PlanRow {
  double inverse[9];  // row-major 3x3: output coordinates to source coordinates (continuous)
  double fill[kMaxChannels];
  double gain[kMaxChannels];
  double bias[kMaxChannels];
  double edge[2];               // width of the constant border's ramp, in source pixels (x, y)
  double support[2];            // widening of the antialiasing filter (x, y), at least 1
  double clamp[2];              // low, high; infinite where nothing is clamped
  double noise_parameters[4];   // by the kind of noise
  std::uint32_t stream[4];      // Philox key (0, 1) and the upper counter words (2, 3) of the noise
  std::int32_t source_size[2];  // height, width
  std::int32_t output_size[2];  // height, width
  std::int32_t channels;
  std::int32_t lut;           // index in the pass's tables, or -1: none
  std::int32_t colour;        // the same
  std::int32_t missing;       // the same
  std::int32_t displacement;  // the same
  std::int32_t erasures[2];   // first, and the one behind the last
  std::uint8_t source_dtype;
  std::uint8_t output_dtype;
  std::uint8_t interpolation;
  std::uint8_t antialias;
  std::uint8_t border;
  std::uint8_t noise;
};

// Each channel as a sum over channels: matrix v + of_mean m + offset, m being the means of the sampled
// picture.
struct ColourMap {
  double matrix[kMaxChannels * kMaxChannels];   // row-major: the new channel, the old one
  double of_mean[kMaxChannels * kMaxChannels];  // the same
  double offset[kMaxChannels];
  double clamp[2];
};

// A rectangle that is overwritten, by one value a channel or, where low < high, by uniform noise.
struct Erasure {
  double low[kMaxChannels], high[kMaxChannels];
  std::uint32_t stream[4];
  std::int32_t box[4];  // top, left, bottom, right in the output's pixels
};

// A move of pixels between two maps: source = after(p + d(p)) with p = before(output). d is a uniform cubic
// B-spline over a grid of control points, of which the first lies at `origin`.
struct Displacement {
  double before[9], after[9];    // row-major 3x3
  double origin[2], spacing[2];  // x, y, in the coordinates of p
  std::int64_t first;            // control point, in the pass's tables; the grid's are row-major
  std::int32_t grid[2];          // rows, columns
};

// A control point: the offset that it adds to positions near it.
struct Offset {
  double x, y;
};

// The value that marks missing elements of a source, and the values that replace them.
struct MissingRule {
  double value;  // NaN: whatever is NaN
  double low[kMaxChannels], high[kMaxChannels];
  std::uint32_t stream[4];
  std::uint8_t by_mean;  // 1: the mean of what is there, and `low` where nothing is
};

}  // namespace augsynth
