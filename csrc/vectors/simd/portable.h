// The operations of a vector wrapper for any processor, and what each of them means. The ISAs' headers offer
// the same names with instructions of their own, and the same results.
#pragma once

constexpr int kVectorBytes = 16;

#include "vectors/simd/pixels.h"
#include "vectors/simd/vector.h"

namespace augsynth {
namespace {

// The 16-bit halves of a lane hold a pair (low, high).
inline std::int32_t low_half(std::int32_t pair) { return static_cast<std::int16_t>(pair); }
inline std::int32_t high_half(std::int32_t pair) { return pair >> 16; }

// low * low + high * high of the pairs in each lane.
inline Ints multiply_add(Ints a, Ints b) {
  Ints sum{};
  for (int i = 0; i < kLanes; ++i)
    sum[i] = low_half(a[i]) * low_half(b[i]) + high_half(a[i]) * high_half(b[i]);
  return sum;
}

// a * b / 2^15, rounded, for each half of the pairs; both are at least 0.
inline Ints multiply_high(Ints a, Ints b) {
  Ints product{};
  for (int i = 0; i < kLanes; ++i) {
    const std::int32_t low = (low_half(a[i]) * low_half(b[i]) + 0x4000) >> 15;
    const std::int32_t high = (high_half(a[i]) * high_half(b[i]) + 0x4000) >> 15;
    product[i] = high << 16 | low;
  }
  return product;
}

// The lanes of both as floats.
inline Floats join(Doubles first, Doubles second) {
  Floats joined{};
  for (int i = 0; i < kLongLanes; ++i) {
    joined[i] = static_cast<float>(first[i]);
    joined[kLongLanes + i] = static_cast<float>(second[i]);
  }
  return joined;
}

// The products of the lanes' lower 32 bits.
inline Longs multiply_lower(Longs a, Longs b) { return (a & 0xffffffff) * (b & 0xffffffff); }

inline bool any_negative(Ints vector) {
  bool found = false;
  for (int i = 0; i < kLanes; ++i) found |= vector[i] < 0;
  return found;
}

// kLanes narrower elements as Ints.
template <typename T>
inline Ints widen(const T* from) {
  Ints vector{};
  for (int i = 0; i < kLanes; ++i) vector[i] = load<T>(from + i);
  return vector;
}

// Ints as kLanes elements of a narrower type, which can hold their values.
template <typename T>
inline void narrow(T* to, Ints vector) {
  for (int i = 0; i < kLanes; ++i) store(to + i, static_cast<T>(vector[i]));
}

// Writes an aligned vector past the caches, and makes what was written so visible to other threads.
inline void stream(float* to, Floats vector) { store(to, vector); }
inline void finish_streams() {}

// levels[i] = table[levels[i]] for a table of 256 entries. `levels` has room for a whole number of vectors.
inline void look_up_bytes(const std::uint16_t* table, std::uint16_t* levels, int count) {
  look_up_each(table, levels, count);
}

// Packets of 8 bytes, one a lane: two pixels side by side, of three or four channels. They lie two by two,
// first every other couple of lanes and then the rest (on vectors of four lanes that is in order). `pairs`
// receives (left, right) of each channel.
template <int kChannels>
inline void split_packets(const unsigned char* packets, Ints (&pairs)[kChannels]) {
  for (int i = 0; i < kLanes; ++i)
    for (int c = 0; c < kChannels; ++c)
      pairs[c][i] = packets[8 * i + c] | packets[8 * i + c + kChannels] << 16;
}

inline Doubles square_root(Doubles vector) {
  for (int i = 0; i < kLongLanes; ++i) vector[i] = __builtin_sqrt(vector[i]);
  return vector;
}

// The lower 32 bits of Philox words, one block of four words a lane, side by side: first the blocks of the
// even lanes, then those of the odd ones. A block is 8 halves, the lower half of a word first.
inline void store_blocks(std::uint16_t* halves, const Longs (&words)[4]) {
  for (int i = 0; i < kLongLanes; ++i, halves += 8)
    for (int k = 0; k < 4; ++k) {
      const int lane = i < kLongLanes / 2 ? 2 * i : 2 * i - kLongLanes + 1;
      halves[2 * k] = static_cast<std::uint16_t>(words[k][lane]);
      halves[2 * k + 1] = static_cast<std::uint16_t>(words[k][lane] >> 16);
    }
}

// 2 kLanes bytes of each of two lines, zipped by twos: a lane holds two of `low` and then two of `high`.
inline Ints zip(const unsigned char* low, const unsigned char* high) {
  Ints zipped{};
  for (int i = 0; i < kLanes; ++i)
    zipped[i] = low[2 * i] | low[2 * i + 1] << 8 | high[2 * i] << 16 | std::int32_t{high[2 * i + 1]} << 24;
  return zipped;
}

// A pixel of three or four channels for each four lanes: those from `line + first[lane]` on. A lane holds a
// channel of the pixel and of the next one; where there are three channels, anything stands in the fourth.
// Eight elements are read at each place.
template <int kChannels>
inline Ints pairs_of_pixels(const std::int16_t* line, const std::int32_t* first) {
  Ints pairs{};
  for (int i = 0; i < kLanes; ++i) {
    const std::int16_t* at = line + first[i / 4 * 4] + i % 4;
    pairs[i] = i % 4 < kChannels ? (at[0] & 0xffff) | at[kChannels] * 65536 : 0;
  }
  return pairs;
}

// Rows and columns swapped in each 4 x 4 block that four lanes of four vectors make.
inline void transpose(Ints (&rows)[4]) {
  Ints columns[4];
  for (int k = 0; k < 4; ++k)
    for (int i = 0; i < kLanes; ++i) columns[k][i] = rows[i % 4][i / 4 * 4 + k];
  for (int k = 0; k < 4; ++k) rows[k] = columns[k];
}

// Four elements for each four lanes: those from `line + first[lane]` on.
template <typename V, typename T>
inline V pixels_at(const T* line, const std::int32_t* first) {
  V pixels{};
  for (int i = 0; i < kLanes; ++i) pixels[i] = line[first[i / 4 * 4] + i % 4];
  return pixels;
}

}  // namespace
}  // namespace augsynth

#include "vectors/simd/normals.h"
