// Three-byte pixels, and what is done to them where there are no shuffles of bytes.
#pragma once

#include "vectors/simd/vector.h"

namespace augsynth {
namespace {

// The channels of kSplit pixels that lie side by side, each to its own place; the last pixel first if
// kReversed.
template <bool kReversed>
inline void split_pixels(const unsigned char* pixels, unsigned char* const (&to)[3]) {
  for (int i = 0; i < kSplit; ++i)
    for (int c = 0; c < 3; ++c) to[c][kReversed ? kSplit - 1 - i : i] = pixels[3 * i + c];
}

// kSpread pixels that lie side by side, each with room for a fourth byte, which may be anything; the last
// pixel first if kReversed. kSpreadBytes are read from `pixels` on.
template <bool kReversed>
inline void spread_pixels(const unsigned char* pixels, unsigned char* to) {
  for (int i = 0; i < kSpread; ++i)
    __builtin_memcpy(to + 4 * i, pixels + 3 * (kReversed ? kSpread - 1 - i : i), 4);
}

}  // namespace
}  // namespace augsynth
