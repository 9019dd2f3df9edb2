// The table of normal variates for wrappers without a byte shuffle, which a table of 16 bytes would need:
// there, scalar look-ups in memory are quickest. It is in two steps, for what an ISA does best in memory and
// in registers. The wrapper's own widen() comes before it.
#pragma once

#include "pass/normal_table.h"
#include "vectors/simd/vector.h"

namespace augsynth {
namespace {

// Prepares kHalves random halves in place.
inline void prepare_normals(std::uint16_t* halves) {
  for (int i = 0; i < kHalves; ++i) halves[i] = static_cast<std::uint16_t>(normal_of(halves[i]));
}

// Turns them into as many normal variates times kNormalScale.
inline void normals_of(const std::uint16_t* prepared, Ints (&normals)[2]) {
  const std::int16_t* variates = reinterpret_cast<const std::int16_t*>(prepared);
  normals[0] = widen(variates);
  normals[1] = widen(variates + kLanes);
}

}  // namespace
}  // namespace augsynth
