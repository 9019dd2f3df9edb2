// Sampled values as elements of the output.
#pragma once

#include <cstdint>

#include "pixel/host_device.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

// The halves of a float are written as bits.
struct Half {
  std::uint16_t bits;
};
struct Brain {
  std::uint16_t bits;
};

AUGSYNTH_HD inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

AUGSYNTH_HD inline float float_of(std::uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

// The floor of value + 1/2 within [0, top]; 0 for NaN.
AUGSYNTH_HD inline int round_within(float value, float top) {
  const float raised = value > 0.0f ? value : 0.0f;
  return static_cast<int>((raised > top ? top : raised) + 0.5f);
}

AUGSYNTH_HD inline void put(float* to, float value) { *to = value; }
AUGSYNTH_HD inline void put(std::uint8_t* to, float value) {
  *to = static_cast<std::uint8_t>(round_within(value, 255.0f));
}
AUGSYNTH_HD inline void put(std::uint16_t* to, float value) {
  *to = static_cast<std::uint16_t>(round_within(value, 65535.0f));
}

// The upper half of a float, rounded to nearest even; a NaN keeps being one.
AUGSYNTH_HD inline void put(Brain* to, float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
  to->bits = static_cast<std::uint16_t>((value == value ? rounded : bits | 0x400000) >> 16);
}

// IEEE binary16, rounded to nearest even. Below 2^-14 a number loses bits: adding 1/2 leaves just those that
// count in a float's last places.
AUGSYNTH_HD inline void put(Half* to, float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000, size = bits & 0x7fffffff;
  const std::uint32_t small = bits_of(float_of(size) + 0.5f) - 0x3f000000;
  const std::uint32_t rebiased = size - ((127 - 15) << 23);
  const std::uint32_t normal = (rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13;
  const std::uint32_t too_large = size > 0x7f800000 ? 0x7e00 : 0x7c00;
  const std::uint32_t finite = size < 0x38800000 ? small : normal;
  to->bits = static_cast<std::uint16_t>((size >= 0x477ff000 ? too_large : finite) | sign);
}

}  // namespace
}  // namespace augsynth
