// Sixteen bytes of pixels that lie side by side, collected one by one and written at once.
#pragma once

#include <cstdint>

#include "core/plan.h"
#include "cuda/launch_steps.h"
#include "pass/rounding.h"

namespace augsynth {
namespace {

struct alignas(kPackBytes) Words {
  std::uint32_t word[4];
};

// A value's bits in the output's dtype, from the lowest on.
template <typename T>
AUGSYNTH_HD std::uint32_t bits_as(float value) {
  T element;
  put(&element, value);
  std::uint32_t bits = 0;
  __builtin_memcpy(&bits, &element, sizeof element);
  return bits;
}

AUGSYNTH_HD inline std::uint32_t bits_as(DType dtype, float value) {
  switch (dtype) {
    case DType::kUint8:
      return bits_as<std::uint8_t>(value);
    case DType::kUint16:
      return bits_as<std::uint16_t>(value);
    case DType::kFloat16:
      return bits_as<Half>(value);
    case DType::kBfloat16:
      return bits_as<Brain>(value);
    default:
      return bits_as<float>(value);
  }
}

// The newest element is the highest: after as many as there is room for, the first one lies first in memory.
struct Pack {
  Words words;

  AUGSYNTH_HD void push(std::uint32_t bits, int bytes) {
    const int bits_each = 8 * bytes;
    std::uint32_t (&w)[4] = words.word;
    for (int i = 0; i < 3; ++i)
      w[i] = static_cast<std::uint32_t>((std::uint64_t{w[i + 1]} << 32 | w[i]) >> bits_each);
    w[3] = static_cast<std::uint32_t>((std::uint64_t{bits} << 32 | w[3]) >> bits_each);
  }

  AUGSYNTH_HD void write(unsigned char* to) const { *reinterpret_cast<Words*>(to) = words; }
};

}  // namespace
}  // namespace augsynth
