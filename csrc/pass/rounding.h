// Sampled values as elements of the output. F is float, I std::int32_t and W std::uint32_t, or each is
// vectors of that.
#pragma once

#include <cstdint>

#include "pass/arithmetic.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

// The halves of a float are written as bits.
struct Half {
  std::uint16_t bits;
};
struct Brain {
  std::uint16_t bits;
};

// The floor of value + 1/2 within [0, top]; 0 for NaN.
template <typename F>
AUGSYNTH_HD auto round_within(F value, float top) {
  const F lowest{}, highest = top - lowest;
  const F raised = value > lowest ? value : lowest;
  return truncate(at_most(raised, highest) + 0.5f);
}

// The upper half of a float, of which `bits` are the bits, rounded to nearest even; a NaN keeps being one.
template <typename F, typename W>
AUGSYNTH_HD W brain_bits(F value, W bits) {
  const W rounded = bits + 0x7fff + ((bits >> 16) & 1);
  return (value == value ? rounded : bits | 0x400000) >> 16;
}

// IEEE binary16 from the bits of a float, rounded to nearest even. Below 2^-14 a number loses bits: adding
// 1/2 leaves just those that count in a float's last places.
template <typename I>
AUGSYNTH_HD I half_bits(I bits) {
  const I sign = (bits >> 16) & 0x8000, size = bits & 0x7fffffff;
  const I small = bits_of(float_of(size) + 0.5f) - 0x3f000000;
  const I rebiased = size - ((127 - 15) << 23);
  const I normal = (rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13;
  const I too_large = size > 0x7f800000 ? I{} + 0x7e00 : I{} + 0x7c00;
  const I finite = size < 0x38800000 ? small : normal;
  return (size >= 0x477ff000 ? too_large : finite) | sign;
}

AUGSYNTH_HD inline void put(float* to, float value) { *to = value; }
AUGSYNTH_HD inline void put(std::uint8_t* to, float value) {
  *to = static_cast<std::uint8_t>(round_within(value, 255.0f));
}
AUGSYNTH_HD inline void put(std::uint16_t* to, float value) {
  *to = static_cast<std::uint16_t>(round_within(value, 65535.0f));
}
AUGSYNTH_HD inline void put(Half* to, float value) {
  to->bits = static_cast<std::uint16_t>(half_bits(bits_of(value)));
}
AUGSYNTH_HD inline void put(Brain* to, float value) {
  to->bits = static_cast<std::uint16_t>(brain_bits(value, static_cast<std::uint32_t>(bits_of(value))));
}

}  // namespace
}  // namespace augsynth
