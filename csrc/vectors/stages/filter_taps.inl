// Part of stages.inl: filters that widen with the size of an output pixel in the source, and where they lie.
#pragma once

#include "pass/filter.h"
#include "vectors/stages/sample_general.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// Two weights side by side, as multiply_add() takes them.
std::int32_t weight_pair(std::int16_t first, std::int16_t second) {
  return static_cast<std::int32_t>(static_cast<std::uint16_t>(first) |
                                   static_cast<std::uint32_t>(static_cast<std::uint16_t>(second)) << 16);
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
