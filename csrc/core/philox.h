// Philox4x32, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"
// (SC'11), with the constants of Random123. A block of four words is a pure function of a counter and a key.
// `static`, so that each ISA's object keeps its own copy.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace augsynth {

constexpr int kPhiloxRounds = 10;      // the authors' default, for parameters
constexpr int kPhiloxPixelRounds = 7;  // the fewest with which it passes BigCrush, for bits of pixels
constexpr std::uint64_t kPhiloxMultiplier0 = 0xD2511F53, kPhiloxMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kPhiloxWeyl0 = 0x9E3779B9;  // the golden ratio
constexpr std::uint32_t kPhiloxWeyl1 = 0xBB67AE85;  // sqrt(3) - 1

struct PhiloxBlock {
  std::uint32_t word[4];
};

template <int kRounds>
AUGSYNTH_HD static inline PhiloxBlock philox4x32(PhiloxBlock counter, std::uint32_t key0,
                                                 std::uint32_t key1) {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = kPhiloxMultiplier0 * counter.word[0];
    const std::uint64_t product1 = kPhiloxMultiplier1 * counter.word[2];
    counter = {{static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key0,
                static_cast<std::uint32_t>(product1),
                static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key1,
                static_cast<std::uint32_t>(product0)}};
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
  return counter;
}

}  // namespace augsynth
