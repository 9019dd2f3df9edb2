// The scalar arithmetic that vectors and single pixels have in common.
#pragma once

#include <cstdint>

#include "pixel/host_device.h"

namespace augsynth {
namespace {  // each ISA has its own, compiled by its own flags

AUGSYNTH_HD inline double absolute(double value) { return value < 0.0 ? -value : value; }

AUGSYNTH_HD inline double within(double value, double low, double high) {
  return value < low ? low : (value > high ? high : value);
}

AUGSYNTH_HD inline int floor_to_int(double value) {
  const int truncated = static_cast<int>(value);
  return truncated - (truncated > value);
}

// One row of the matrix at the pixel (x, y).
template <typename X>
AUGSYNTH_HD X linear(const double* m, X x, double y) {
  return m[0] * x + m[1] * y + m[2];
}

// Strided views need not be aligned.
template <typename T>
AUGSYNTH_HD T load_element(const unsigned char* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace
}  // namespace augsynth
