// The random bits behind a plan, as "Random bits" in docs/design/numerics.md defines them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace augsynth {

// A sample's identity.
struct Key {
  std::int64_t seed, epoch, index;
};

// Throws ArgumentError, naming the key's position, unless 0 <= epoch < 2^32 and 0 <= index.
void validate_key(const Key& key, std::size_t position);

// An operation's first block keys the noise of its pixels; what it draws for itself comes after.
constexpr std::uint32_t kStreamBlocks = 1;

// `count` words of operation `op` for a valid key; op < 2^16 and count <= 2^18.
void draw_words(const Key& key, std::uint32_t op, std::size_t count, std::uint32_t* words);

// A number in [0, 1) on the grid of 2^-53 from two words.
inline double uniform(std::uint32_t first, std::uint32_t second) {
  return ((first >> 5) * 67108864.0 + (second >> 6)) / 9007199254740992.0;
}

// `count` such numbers, `step` apart, from the words of block `first` on.
void draw_uniform(const Key& key, std::uint32_t op, std::uint32_t first, std::size_t count, std::size_t step,
                  double* numbers);

}  // namespace augsynth
