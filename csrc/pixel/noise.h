// The kinds of noise of one pixel.
#pragma once

#include "pass/normal_table.h"
#include "pass/quantiles.h"
#include "pass/random.h"
#include "pixel/job.h"

namespace augsynth {
namespace {

// 16-bit halves that a value takes.
AUGSYNTH_HD inline int pixel_halves(Noise kind) {
  switch (kind) {
    case Noise::kNone:
      return 0;
    case Noise::kGaussian:
    case Noise::kUniform:
    case Noise::kSpeckle:
      return 1;
    default:
      return 2;
  }
}

// The random bits of a pixel's noise, those of each channel by themselves. Pixels side by side share blocks,
// which a launcher may draw together.
template <int kMost>
AUGSYNTH_HD void draw_bits(const Job<kMost>& job, int x, int y, std::uint32_t (&bits)[kMost]) {
  const int halves = pixel_halves(job.noise.kind);
  if (halves == 0) return;
  for (int c = 0; c < channels_of(job); ++c) {
    if (c > 0 && job.noise.kind == Noise::kSaltAndPepper) break;  // a pixel's channels change together
    const PhiloxBlock block = block_at(job.noise.stream, x * halves / kBlockHalves, y, c);
    bits[c] = bits_of_pixel(block, x, halves);
  }
}

AUGSYNTH_HD inline float noisy(const NoiseJob& noise, std::uint32_t bits, float value) {
  const auto normal = [&] { return noise.first + noise.second * static_cast<float>(normal_variate(bits)); };
  switch (noise.kind) {
    case Noise::kNone:
      return value;
    case Noise::kGaussian:
      return value + normal();
    case Noise::kExactGaussian:
      return static_cast<float>(value + (noise.p0 + noise.p1 * normal_quantile(uniform_of(bits))));
    case Noise::kUniform:
      return value + (noise.first + noise.second * static_cast<float>(bits));
    case Noise::kSaltAndPepper: {
      const double u = uniform_of(bits);
      return u >= noise.p1 ? value : u < noise.p0 ? noise.first : noise.second;
    }
    case Noise::kPoisson:
      return static_cast<float>(poisson_level(uniform_of(bits), static_cast<double>(value), noise.p0));
    case Noise::kSpeckle:
      return value + value * normal();
  }
  return value;
}

// The bits of a pixel's channel c; salt and pepper takes those of the first.
template <int kMost>
AUGSYNTH_HD void add_noise(const Job<kMost>& job, const std::uint32_t (&bits)[kMost], float (&value)[kMost]) {
  if (job.noise.kind == Noise::kNone) return;
  for (int c = 0; c < channels_of(job); ++c)
    value[c] = noisy(job.noise, bits[job.noise.kind == Noise::kSaltAndPepper ? 0 : c], value[c]);
}

}  // namespace
}  // namespace augsynth
