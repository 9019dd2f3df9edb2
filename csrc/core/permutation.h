// Permutations of [0, size) that need no memory: a Feistel network on pairs (x mod columns, x / columns) with
// modular addition, and cycle-walking for the few pairs beyond size (Black & Rogaway, "Ciphers with Arbitrary
// Finite Domains", CT-RSA 2002).
#pragma once

#include <cstdint>

namespace augsynth {

constexpr int kPermutationRounds = 12;
constexpr std::int64_t kLargestDomain = std::int64_t{1} << 52;  // up to which float64 finds a whole root

// The image of x under the permutation that `keys` names, one a round, or what is taken to x. Needs
// 0 <= x < size <= kLargestDomain.
std::int64_t permuted(std::int64_t x, std::int64_t size, const std::uint64_t* keys, bool backwards);

}  // namespace augsynth
