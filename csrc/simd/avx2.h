// The vector wrapper of AVX2. simd/portable.h says what each operation means.
#pragma once

#include <immintrin.h>

constexpr int kVectorBytes = 32;

#include "stages/noise_table.h"
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

inline Doubles square_root(Doubles vector) { return _mm256_sqrt_pd(vector); }

inline void store_halves_apart(std::uint16_t* first, std::uint16_t* second, __m256i halves) {
  store(first, _mm256_castsi256_si128(halves));
  store(second, _mm256_extracti128_si256(halves, 1));
}

inline void store_blocks(std::uint16_t* halves, const Longs (&words)[4]) {
  const __m256i w0 = raw(words[0]), w1 = raw(words[1]), w2 = raw(words[2]), w3 = raw(words[3]);
  store_halves_apart(halves, halves + 16,
                     _mm256_unpacklo_epi64(_mm256_unpacklo_epi32(w0, w1), _mm256_unpacklo_epi32(w2, w3)));
  store_halves_apart(halves + 8, halves + 24,
                     _mm256_unpacklo_epi64(_mm256_unpackhi_epi32(w0, w1), _mm256_unpackhi_epi32(w2, w3)));
}

inline void prepare_normals(std::uint16_t*) {}

inline void normals_of(const std::uint16_t* halves, Ints (&normals)[2]) {
  const __m256i bits = load<__m256i>(halves), mask = _mm256_set1_epi8(15);
  const __m256i table = _mm256_broadcastsi128_si256(half_vector(kNormalNibbles));
  const __m256i lower = _mm256_shuffle_epi8(table, _mm256_and_si256(bits, mask));
  const __m256i upper = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bits, 4), mask));
  const __m256i sums =
      _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_set1_epi16(kOddLower << 8 | kEvenLower), lower),
                       _mm256_maddubs_epi16(_mm256_set1_epi16(kOddUpper << 8 | kEvenUpper), upper));
  normals[0] = ints(_mm256_cvtepi16_epi32(_mm256_castsi256_si128(sums)));
  normals[1] = ints(_mm256_cvtepi16_epi32(_mm256_extracti128_si256(sums, 1)));
}

inline Ints zip(const unsigned char* low, const unsigned char* high) {
  return widen(reinterpret_cast<const std::uint16_t*>(low)) |
         widen(reinterpret_cast<const std::uint16_t*>(high)) << 16;
}

// Bytes of (a pixel, the next one) as pairs of their channels.
template <int kChannels>
inline __m128i pixel_shuffle() {
  constexpr char n = 2 * kChannels;
  return _mm_setr_epi8(0, 1, n, n + 1, 2, 3, n + 2, n + 3, 4, 5, n + 4, n + 5, 6, 7, (n + 6) & 15,
                       (n + 7) & 15);
}

template <int kChannels>
inline Ints pairs_of_pixels(const std::int16_t* line, const std::int32_t* first) {
  const __m256i pixels = _mm256_inserti128_si256(_mm256_castsi128_si256(half_vector(line + first[0])),
                                                 half_vector(line + first[4]), 1);
  return ints(_mm256_shuffle_epi8(pixels, _mm256_broadcastsi128_si256(pixel_shuffle<kChannels>())));
}

inline void transpose(Ints (&rows)[4]) {
  const __m256i low_a = _mm256_unpacklo_epi32(raw(rows[0]), raw(rows[1])),
                low_b = _mm256_unpacklo_epi32(raw(rows[2]), raw(rows[3])),
                high_a = _mm256_unpackhi_epi32(raw(rows[0]), raw(rows[1])),
                high_b = _mm256_unpackhi_epi32(raw(rows[2]), raw(rows[3]));
  rows[0] = ints(_mm256_unpacklo_epi64(low_a, low_b));
  rows[1] = ints(_mm256_unpackhi_epi64(low_a, low_b));
  rows[2] = ints(_mm256_unpacklo_epi64(high_a, high_b));
  rows[3] = ints(_mm256_unpackhi_epi64(high_a, high_b));
}

inline Floats pixels_at(const float* line, const std::int32_t* first) {
  return reinterpret_cast<Floats>(_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(line + first[0])),
                                                       _mm_loadu_ps(line + first[4]), 1));
}

}  // namespace
}  // namespace augsynth
