#include "core/permutation.h"

#include <cmath>

namespace augsynth {
namespace {

// The finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
std::uint64_t scramble(std::int64_t half, std::uint64_t key) {
  std::uint64_t bits = static_cast<std::uint64_t>(half) * 0x9E3779B97F4A7C15 + key;
  bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ bits >> 27) * 0x94D049BB133111EB;
  return bits ^ bits >> 31;
}

}  // namespace

std::int64_t permuted(std::int64_t x, std::int64_t size, const std::uint64_t* keys, bool backwards) {
  // The sides differ by less than their root, so fewer than one pair in sqrt(n) lies beyond n.
  const auto columns = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(size))));
  const std::int64_t sides[2] = {columns, (size + columns - 1) / columns};
  do {
    std::int64_t halves[2] = {x % columns, x / columns};
    for (int step = 0; step < kPermutationRounds; ++step) {
      const int round = backwards ? kPermutationRounds - 1 - step : step;
      std::int64_t& half = halves[round % 2];
      const std::int64_t side = sides[round % 2];
      const auto shift = static_cast<std::int64_t>(scramble(halves[1 - round % 2], keys[round]) %
                                                   static_cast<std::uint64_t>(side));
      half += backwards ? side - shift : shift;
      if (half >= side) half -= side;
    }
    x = halves[1] * columns + halves[0];
  } while (x >= size);
  return x;
}

}  // namespace augsynth
