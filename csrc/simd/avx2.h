// The vector wrapper of AVX2. simd/portable.h says what each operation means.
#pragma once

#include <immintrin.h>

constexpr int kVectorBytes = 32;

#include "../noise_table.h"
#include "vector.h"

namespace augsynth {
namespace {

inline __m256i raw(Ints vector) { return reinterpret_cast<__m256i>(vector); }
inline __m256i raw(Longs vector) { return reinterpret_cast<__m256i>(vector); }
inline Ints ints(__m256i vector) { return reinterpret_cast<Ints>(vector); }

inline Ints multiply_add(Ints a, Ints b) { return ints(_mm256_madd_epi16(raw(a), raw(b))); }
inline Ints multiply_high(Ints a, Ints b) { return ints(_mm256_mulhrs_epi16(raw(a), raw(b))); }
inline Floats join(Doubles first, Doubles second) {
  return _mm256_set_m128(_mm256_cvtpd_ps(second), _mm256_cvtpd_ps(first));
}
inline Longs multiply_lower(Longs a, Longs b) {
  return reinterpret_cast<Longs>(_mm256_mul_epu32(raw(a), raw(b)));
}
inline bool any_negative(Ints vector) { return _mm256_movemask_ps(_mm256_castsi256_ps(raw(vector))) != 0; }

inline __m128i half_vector(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }

inline Ints widen(const std::uint8_t* from) {
  return ints(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
inline Ints widen(const std::uint16_t* from) { return ints(_mm256_cvtepu16_epi32(half_vector(from))); }
inline Ints widen(const std::int16_t* from) { return ints(_mm256_cvtepi16_epi32(half_vector(from))); }

inline __m128i pack(Ints vector) {
  return _mm_packus_epi32(_mm256_castsi256_si128(raw(vector)), _mm256_extracti128_si256(raw(vector), 1));
}

inline void narrow(std::uint8_t* to, Ints vector) {
  const __m128i shorts = pack(vector);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(shorts, shorts));
}
inline void narrow(std::uint16_t* to, Ints vector) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), pack(vector));
}

// Two packets in every 128 bits; bytes -1 become 0. The first shuffle gathers the pairs of two channels, the
// second those of the other one or two.
template <int kChannels>
inline void split_packets(const unsigned char* packets, Ints (&pairs)[kChannels]) {
  constexpr char n = kChannels;
  const __m256i first = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -1, n, -1, 8, -1, n + 8, -1, 1, -1, n + 1, -1, 9, -1, n + 9, -1));
  const __m256i second = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(2, -1, n + 2, -1, 10, -1, n + 10, -1, 3, -1, n + 3, -1, 11, -1, (n + 11) & 15, -1));
  const __m256i a = load<__m256i>(packets), b = load<__m256i>(packets + 32);
  const __m256i a_first = _mm256_shuffle_epi8(a, first), b_first = _mm256_shuffle_epi8(b, first);
  const __m256i a_second = _mm256_shuffle_epi8(a, second), b_second = _mm256_shuffle_epi8(b, second);
  pairs[0] = ints(_mm256_unpacklo_epi64(a_first, b_first));
  pairs[1] = ints(_mm256_unpackhi_epi64(a_first, b_first));
  pairs[2] = ints(_mm256_unpacklo_epi64(a_second, b_second));
  if constexpr (kChannels == 4) pairs[3] = ints(_mm256_unpackhi_epi64(a_second, b_second));
}

inline void store_halves(const Longs (&words)[4], std::uint16_t* halves) {
  const __m256i front = raw((words[0] & 0xffffffff) | words[1] << 32);
  const __m256i back = raw((words[2] & 0xffffffff) | words[3] << 32);
  store(halves, _mm256_unpacklo_epi64(front, back));
  store(halves + 16, _mm256_unpackhi_epi64(front, back));
}

inline Ints normals_of(const std::uint16_t* bits) {
  const __m128i halves = half_vector(bits), table = half_vector(kNormalNibbles), mask = _mm_set1_epi8(15);
  const __m128i lower = _mm_shuffle_epi8(table, _mm_and_si128(halves, mask));
  const __m128i upper = _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(halves, 4), mask));
  return ints(_mm256_cvtepi16_epi32(
      _mm_add_epi16(_mm_maddubs_epi16(_mm_set1_epi16(kOddLower << 8 | kEvenLower), lower),
                    _mm_maddubs_epi16(_mm_set1_epi16(kOddUpper << 8 | kEvenUpper), upper))));
}

}  // namespace
}  // namespace augsynth
