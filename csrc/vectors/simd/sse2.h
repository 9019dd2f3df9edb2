// The vector wrapper of the x86-64 baseline: SSE2 and nothing newer. simd/portable.h says what each
// operation means.
#pragma once

#include <emmintrin.h>

constexpr int kVectorBytes = 16;

#include "vectors/simd/pixels.h"
#include "vectors/simd/vector.h"

namespace augsynth {
namespace {

inline __m128i raw(Ints vector) { return reinterpret_cast<__m128i>(vector); }
inline __m128i raw(Longs vector) { return reinterpret_cast<__m128i>(vector); }
inline Ints ints(__m128i vector) { return reinterpret_cast<Ints>(vector); }

inline Ints zip_low(Ints a, Ints b) { return ints(_mm_unpacklo_epi32(raw(a), raw(b))); }
inline Ints zip_high(Ints a, Ints b) { return ints(_mm_unpackhi_epi32(raw(a), raw(b))); }
inline Ints couple_low(Ints a, Ints b) { return ints(_mm_unpacklo_epi64(raw(a), raw(b))); }
inline Ints couple_high(Ints a, Ints b) { return ints(_mm_unpackhi_epi64(raw(a), raw(b))); }

inline Ints even_lanes(Ints a, Ints b) {
  return reinterpret_cast<Ints>(
      _mm_shuffle_ps(reinterpret_cast<Floats>(a), reinterpret_cast<Floats>(b), 0x88));
}
inline Ints odd_lanes(Ints a, Ints b) {
  return reinterpret_cast<Ints>(
      _mm_shuffle_ps(reinterpret_cast<Floats>(a), reinterpret_cast<Floats>(b), 0xdd));
}

inline Ints multiply_add(Ints a, Ints b) { return ints(_mm_madd_epi16(raw(a), raw(b))); }

inline Ints multiply_high(Ints a, Ints b) {
  const __m128i high = _mm_mulhi_epi16(raw(a), raw(b)), low = _mm_mullo_epi16(raw(a), raw(b));
  const __m128i doubled = _mm_or_si128(_mm_slli_epi16(high, 2), _mm_srli_epi16(low, 14));
  return ints(_mm_srli_epi16(_mm_add_epi16(doubled, _mm_set1_epi16(1)), 1));
}

inline Floats join(Doubles first, Doubles second) {
  return _mm_movelh_ps(_mm_cvtpd_ps(first), _mm_cvtpd_ps(second));
}

inline Longs multiply_lower(Longs a, Longs b) {
  return reinterpret_cast<Longs>(_mm_mul_epu32(raw(a), raw(b)));
}

inline bool any_negative(Ints vector) { return _mm_movemask_ps(_mm_castsi128_ps(raw(vector))) != 0; }

inline Ints widen(const std::uint8_t* from) {
  std::int32_t bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  const __m128i zero = _mm_setzero_si128();
  return ints(_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(bytes), zero), zero));
}

inline __m128i four_shorts(const void* from) { return _mm_loadl_epi64(static_cast<const __m128i*>(from)); }

inline Ints widen(const std::uint16_t* from) {
  return ints(_mm_unpacklo_epi16(four_shorts(from), _mm_setzero_si128()));
}

inline Ints widen(const std::int16_t* from) {
  return ints(_mm_srai_epi32(_mm_unpacklo_epi16(_mm_setzero_si128(), four_shorts(from)), 16));
}

inline void narrow(std::uint8_t* to, Ints vector) {
  const __m128i shorts = _mm_packs_epi32(raw(vector), raw(vector));
  const std::int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(shorts, shorts));
  __builtin_memcpy(to, &bytes, sizeof bytes);
}

// SSE2 packs signed numbers only: the values are moved there and back.
inline void narrow(std::uint16_t* to, Ints vector) {
  const __m128i moved = _mm_sub_epi32(raw(vector), _mm_set1_epi32(32768));
  const __m128i shorts = _mm_add_epi16(_mm_packs_epi32(moved, moved), _mm_set1_epi16(-32768));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), shorts);
}

inline void stream(float* to, Floats vector) { _mm_stream_ps(to, vector); }

inline void look_up_bytes(const std::uint16_t* table, std::uint16_t* levels, int count) {
  look_up_each(table, levels, count);
}

}  // namespace
}  // namespace augsynth

#include "vectors/simd/normals.h"
#include "vectors/simd/x86.h"

namespace augsynth {
namespace {

// The packet's channels as pairs, a lane each.
template <int kChannels>
inline __m128i pairs_of(const unsigned char* packet) {
  const __m128i bytes = _mm_unpacklo_epi8(four_shorts(packet), _mm_setzero_si128());
  return _mm_unpacklo_epi16(bytes, _mm_srli_si128(bytes, 2 * kChannels));
}

template <int kChannels>
inline void split_packets(const unsigned char* packets, Ints (&pairs)[kChannels]) {
  Ints rows[4];
  for (int i = 0; i < 4; ++i) rows[i] = ints(pairs_of<kChannels>(packets + 8 * i));
  transpose(rows);
  for (int c = 0; c < kChannels; ++c) pairs[c] = rows[c];
}

inline Doubles square_root(Doubles vector) { return reinterpret_cast<Doubles>(_mm_sqrt_pd(vector)); }

inline Ints zip(const unsigned char* low, const unsigned char* high) {
  return ints(_mm_unpacklo_epi16(four_shorts(low), four_shorts(high)));
}

template <int kChannels>
inline Ints pairs_of_pixels(const std::int16_t* line, const std::int32_t* first) {
  const std::int16_t* at = line + first[0];
  return ints(_mm_unpacklo_epi16(four_shorts(at), four_shorts(at + kChannels)));
}

template <typename V, typename T>
inline V pixels_at(const T* line, const std::int32_t* first) {
  return load<V>(line + first[0]);
}

}  // namespace
}  // namespace augsynth
