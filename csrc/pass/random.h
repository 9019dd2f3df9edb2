// Random bits of single pixels, keyed by their places.
#pragma once

#include <cstdint>

#include "core/philox.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

constexpr int kBlockHalves = 8;  // 16-bit halves of a Philox block

// The block of a channel's pixels of one line; with `pixel_halves` times 16 bits a pixel, those from
// 8 / pixel_halves * block on share it.
AUGSYNTH_HD inline PhiloxBlock block_at(const std::uint32_t (&stream)[4], std::uint32_t block,
                                        std::uint32_t y, std::uint32_t channel) {
  return philox4x32<kPhiloxPixelRounds>({{channel << 28 | block, y, stream[2], stream[3]}}, stream[0],
                                        stream[1]);
}

// Word i of a block. It uses no index, which would keep the block out of registers.
AUGSYNTH_HD inline std::uint32_t word_of(const PhiloxBlock& block, int i) {
  const std::uint32_t low = i & 1 ? block.word[1] : block.word[0];
  const std::uint32_t high = i & 1 ? block.word[3] : block.word[2];
  return i & 2 ? high : low;
}

// The bits of the pixel in column x, from its block.
AUGSYNTH_HD inline std::uint32_t bits_of_pixel(const PhiloxBlock& block, int x, int pixel_halves) {
  if (pixel_halves == 2) return word_of(block, x & 3);
  const int half = x & 7;
  return word_of(block, half >> 1) >> (16 * (half & 1)) & 0xffff;
}

// A number in (0, 1).
AUGSYNTH_HD inline double uniform_of(std::uint32_t word) { return (word + 0.5) * (1.0 / 4294967296.0); }

// Uniform levels from 16 bits, each of `unit`: F is float, or vectors of it.
struct UniformLevels {
  float lowest, scale;

  AUGSYNTH_HD UniformLevels(double low, double high, double unit) {
    const double step = (high - low) / 65536.0;
    lowest = static_cast<float>((low + 0.5 * step) * unit);
    scale = static_cast<float>(step * unit);
  }

  template <typename F>
  AUGSYNTH_HD F of(F half) const {
    return lowest + scale * half;
  }
};

}  // namespace
}  // namespace augsynth
