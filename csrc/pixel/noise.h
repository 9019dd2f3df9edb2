// The kinds of noise of one pixel.
#pragma once

#include "pixel/job.h"
#include "pixel/random.h"
#include "stages/noise_table.h"

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

template <int kMost>
AUGSYNTH_HD void add_noise(const Job<kMost>& job, const std::uint32_t (&bits)[kMost], float (&value)[kMost]) {
  const NoiseJob& noise = job.noise;
  for (int c = 0; c < channels_of(job); ++c) {
    switch (noise.kind) {
      case Noise::kGaussian:
        value[c] = value[c] + (noise.first + noise.second * static_cast<float>(normal_variate(bits[c])));
        break;
      case Noise::kUniform:
        value[c] = value[c] + (noise.first + noise.second * static_cast<float>(bits[c]));
        break;
      default:
        break;
    }
  }
}

}  // namespace
}  // namespace augsynth
