// Operations that all x86 wrappers share. They use functions of each ISA, which work within each 128 bits:
// zip_low() and zip_high() interleave the lower or the upper lanes of two vectors, couple_low() and
// couple_high() interleave couples of lanes, and even_lanes() and odd_lanes() give the even or the odd lanes
// of the first vector, followed by those of the second one.
#pragma once

namespace augsynth {
namespace {

inline void transpose(Ints (&rows)[4]) {
  const Ints low_a = zip_low(rows[0], rows[1]), low_b = zip_low(rows[2], rows[3]);
  const Ints high_a = zip_high(rows[0], rows[1]), high_b = zip_high(rows[2], rows[3]);
  rows[0] = couple_low(low_a, low_b);
  rows[1] = couple_high(low_a, low_b);
  rows[2] = couple_low(high_a, high_b);
  rows[3] = couple_high(high_a, high_b);
}

inline void finish_streams() { _mm_sfence(); }

inline void store_blocks(std::uint16_t* halves, const Longs (&words)[4]) {
  const auto word = [&](int k) { return reinterpret_cast<Ints>(words[k]); };
  const Ints front = even_lanes(word(0), word(1)), back = even_lanes(word(2), word(3));
  store(halves, even_lanes(front, back));
  store(halves + kHalves, odd_lanes(front, back));
}

}  // namespace
}  // namespace augsynth
