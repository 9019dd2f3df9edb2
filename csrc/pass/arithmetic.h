// The scalar arithmetic that vectors and single pixels have in common.
#pragma once

#include <cstdint>

#include "core/host_device.h"

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

struct Position {
  double x, y;
};

// One row of the matrix at the pixel (x, y).
template <typename X>
AUGSYNTH_HD X linear(const double* m, X x, double y) {
  return m[0] * x + m[1] * y + m[2];
}

// True if the 3x3 matrix needs no division.
AUGSYNTH_HD inline bool is_affine_matrix(const double* m) {
  return m[6] == 0.0 && m[7] == 0.0 && m[8] == 1.0;
}

// Strided views of the host need not be aligned; tensors of a device are.
template <typename T>
AUGSYNTH_HD T load_element(const unsigned char* from) {
#ifdef __CUDA_ARCH__
  return *reinterpret_cast<const T*>(from);
#endif
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

// ---- Of which vectors have their own ----------------------------------------------------------------------

template <typename To, typename From>
AUGSYNTH_HD To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

AUGSYNTH_HD inline std::int32_t bits_of(float value) { return same_bits<std::int32_t>(value); }
AUGSYNTH_HD inline std::uint64_t bits_of(double value) { return same_bits<std::uint64_t>(value); }
AUGSYNTH_HD inline float float_of(std::int32_t bits) { return same_bits<float>(bits); }
AUGSYNTH_HD inline double double_of(std::uint64_t bits) { return same_bits<double>(bits); }

AUGSYNTH_HD inline std::int32_t truncate(float value) { return static_cast<std::int32_t>(value); }

// As for vectors: a NaN stays one.
AUGSYNTH_HD inline float at_least(float value, float low) { return value < low ? low : value; }
AUGSYNTH_HD inline float at_most(float value, float high) { return value > high ? high : value; }
AUGSYNTH_HD inline double at_least(double value, double low) { return value < low ? low : value; }
AUGSYNTH_HD inline double at_most(double value, double high) { return value > high ? high : value; }

AUGSYNTH_HD inline bool any(bool condition) { return condition; }

AUGSYNTH_HD inline double square_root(double value) {
#ifdef __CUDA_ARCH__
  return sqrt(value);
#else
  return __builtin_sqrt(value);
#endif
}

}  // namespace
}  // namespace augsynth
