#include "core/draw.h"

#include <string>

#include "core/errors.h"
#include "core/philox.h"

namespace augsynth {

void validate_key(const Key& key, std::size_t position) {
  const auto fail = [position](const char* field, std::int64_t came, const char* expected) {
    throw ArgumentError("keys[" + std::to_string(position) + "]: the " + field + " is " +
                        std::to_string(came) + ", expected " + expected);
  };
  if (key.epoch < 0 || key.epoch > 0xffffffff) fail("epoch", key.epoch, "0 to 2^32 - 1");
  if (key.index < 0) fail("index", key.index, "0 to 2^63 - 1");
}

namespace {

// Block `block` of operation `op`.
inline PhiloxBlock draw_block(const Key& key, std::uint32_t op, std::uint32_t block) {
  const auto low = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  const auto high = [](std::int64_t value) { return static_cast<std::uint32_t>(value >> 32); };
  return philox4x32<kPhiloxRounds>({{block | op << 16, low(key.epoch), low(key.index), high(key.index)}},
                                   low(key.seed), high(key.seed));
}

}  // namespace

void draw_words(const Key& key, std::uint32_t op, std::size_t count, std::uint32_t* words) {
  for (std::size_t at = 0; at < count; at += 4) {
    const PhiloxBlock bits = draw_block(key, op, static_cast<std::uint32_t>(at / 4));
    for (std::size_t i = at; i < count && i < at + 4; ++i) words[i] = bits.word[i - at];
  }
}

void draw_uniform(const Key& key, std::uint32_t op, std::uint32_t first, std::size_t count, std::size_t step,
                  double* numbers) {
  for (std::size_t at = 0; at < count; at += 2, numbers += 2 * step) {
    const PhiloxBlock bits = draw_block(key, op, first++);
    numbers[0] = uniform(bits.word[0], bits.word[1]);
    if (at + 1 < count) numbers[step] = uniform(bits.word[2], bits.word[3]);
  }
}

}  // namespace augsynth
