// Vectors of kVectorBytes bytes, which the ISA's own header defines before it includes this one. They are
// the compiler's vector types: + - * & | ^ << >> and comparisons work lane by lane, and a comparison gives 0
// or -1 a lane. The operations that need instructions of their own are in the ISA's header; simd/portable.h
// says what each of them means.
#pragma once

#include <cstdint>

namespace augsynth {
namespace {

using Floats = float __attribute__((vector_size(kVectorBytes)));
using Ints = std::int32_t __attribute__((vector_size(kVectorBytes)));
using Words = std::uint32_t __attribute__((vector_size(kVectorBytes)));  // of arithmetic that may wrap
using Doubles = double __attribute__((vector_size(kVectorBytes)));
using Longs = std::uint64_t __attribute__((vector_size(kVectorBytes)));

using Quad = float __attribute__((vector_size(16)));  // of one pixel's channels, on every ISA

constexpr int kHalves = kVectorBytes / 2;     // 16-bit numbers
constexpr int kLanes = kVectorBytes / 4;      // of Floats, Ints and Words
constexpr int kLongLanes = kVectorBytes / 8;  // of Longs and Doubles

template <typename V, typename T>
inline V load(const T* from) {
  V vector;
  __builtin_memcpy(&vector, from, sizeof vector);
  return vector;
}

template <typename V, typename T>
inline void store(T* to, V vector) {
  __builtin_memcpy(to, &vector, sizeof vector);
}

inline Floats broadcast(float value) { return value - Floats{}; }
inline Ints broadcast(std::int32_t value) { return value - Ints{}; }
inline Doubles broadcast(double value) { return value - Doubles{}; }
inline Longs broadcast(std::uint64_t value) { return value - Longs{}; }

// 0, 1, 2, ...
inline Doubles count_lanes() {
  Doubles lanes{};
  for (int i = 0; i < kLongLanes; ++i) lanes[i] = i;
  return lanes;
}

// levels[i] = table[levels[i]]. Levels are read and written four at a time; of the plain loop GCC makes
// vectors, element by element, at three times the cost.
inline void look_up_each(const std::uint16_t* table, std::uint16_t* levels, int count) {
  constexpr int kTogether = 4;
  for (; count >= kTogether; count -= kTogether, levels += kTogether) {
    const auto four = load<std::uint64_t>(levels);
    std::uint64_t found = 0;
    for (int shift = 0; shift < 64; shift += 16)
      found |= static_cast<std::uint64_t>(table[four >> shift & 0xffff]) << shift;
    store(levels, found);
  }
  for (; count > 0; --count, ++levels) *levels = table[*levels];
}

constexpr int kSplit = 32;                     // pixels of split_pixels()
constexpr int kSpread = 8, kSpreadBytes = 28;  // pixels of spread_pixels(), and the bytes that it reads

inline Ints bits_of(Floats vector) { return reinterpret_cast<Ints>(vector); }
inline Floats float_of(Ints bits) { return reinterpret_cast<Floats>(bits); }
inline Longs bits_of(Doubles vector) { return reinterpret_cast<Longs>(vector); }
inline Doubles double_of(Longs bits) { return reinterpret_cast<Doubles>(bits); }

inline Floats to_floats(Ints vector) { return __builtin_convertvector(vector, Floats); }
inline Ints truncate(Floats vector) { return __builtin_convertvector(vector, Ints); }

// `low` where the lane is below it, and the lane itself, a NaN too, where it is not; `at_most` likewise.
inline Floats at_least(Floats vector, Floats low) { return vector < low ? low : vector; }
inline Doubles at_least(Doubles vector, Doubles low) { return vector < low ? low : vector; }
inline Doubles at_most(Doubles vector, Doubles high) { return vector > high ? high : vector; }
inline Floats at_most(Floats vector, Floats high) { return vector > high ? high : vector; }
inline Ints at_least(Ints vector, Ints low) { return vector < low ? low : vector; }
inline Ints at_most(Ints vector, Ints high) { return vector > high ? high : vector; }

}  // namespace
}  // namespace augsynth
