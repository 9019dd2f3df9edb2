// Part of stages.inl: what pixel/quantiles.h is written over, for vectors.
#pragma once

#include "stages/chunk.inl"

namespace augsynth {
namespace {

inline Longs bits_of(Doubles vector) { return reinterpret_cast<Longs>(vector); }
inline Doubles double_of(Longs bits) { return reinterpret_cast<Doubles>(bits); }
inline bool any(decltype(Doubles{} < 0.0) lanes) { return any_negative(reinterpret_cast<Ints>(lanes)); }

}  // namespace
}  // namespace augsynth

#include "pixel/quantiles.h"
