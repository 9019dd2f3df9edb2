// Part of stages.inl: quantiles of vectors.
#pragma once

#include "vectors/stages/chunk.inl"

namespace augsynth {
namespace {

inline bool any(decltype(Doubles{} < 0.0) lanes) { return any_negative(reinterpret_cast<Ints>(lanes)); }

}  // namespace
}  // namespace augsynth

#include "pass/quantiles.h"
