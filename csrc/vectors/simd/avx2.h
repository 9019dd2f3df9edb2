// The vector wrapper of AVX2. simd/portable.h says what each operation means.
#pragma once

#include <immintrin.h>

constexpr int kVectorBytes = 32;

#include "pass/normal_table.h"
#include "vectors/simd/vector.h"

namespace augsynth {
namespace {

inline __m256i raw(Ints vector) { return reinterpret_cast<__m256i>(vector); }
inline __m256i raw(Longs vector) { return reinterpret_cast<__m256i>(vector); }
inline Ints ints(__m256i vector) { return reinterpret_cast<Ints>(vector); }

inline Ints zip_low(Ints a, Ints b) { return ints(_mm256_unpacklo_epi32(raw(a), raw(b))); }
inline Ints zip_high(Ints a, Ints b) { return ints(_mm256_unpackhi_epi32(raw(a), raw(b))); }
inline Ints couple_low(Ints a, Ints b) { return ints(_mm256_unpacklo_epi64(raw(a), raw(b))); }
inline Ints couple_high(Ints a, Ints b) { return ints(_mm256_unpackhi_epi64(raw(a), raw(b))); }

inline Ints even_lanes(Ints a, Ints b) {
  return reinterpret_cast<Ints>(
      _mm256_shuffle_ps(reinterpret_cast<Floats>(a), reinterpret_cast<Floats>(b), 0x88));
}
inline Ints odd_lanes(Ints a, Ints b) {
  return reinterpret_cast<Ints>(
      _mm256_shuffle_ps(reinterpret_cast<Floats>(a), reinterpret_cast<Floats>(b), 0xdd));
}

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

inline void stream(float* to, Floats vector) { _mm256_stream_ps(to, vector); }

inline void look_up_bytes(const std::uint16_t* table, std::uint16_t* levels, int count) {
  look_up_each(table, levels, count);
}

inline Ints shuffle_bytes(Ints vector, __m128i order) {
  return ints(_mm256_shuffle_epi8(raw(vector), _mm256_broadcastsi128_si256(order)));
}

}  // namespace
}  // namespace augsynth

#include "vectors/simd/avx.h"
#include "vectors/simd/x86.h"

namespace augsynth {
namespace {

inline Doubles square_root(Doubles vector) { return _mm256_sqrt_pd(vector); }

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

template <typename V, typename T>
inline V pixels_at(const T* line, const std::int32_t* first) {
  return reinterpret_cast<V>(_mm256_inserti128_si256(_mm256_castsi128_si256(half_vector(line + first[0])),
                                                     half_vector(line + first[4]), 1));
}

template <int kChannels>
inline Ints pairs_of_pixels(const std::int16_t* line, const std::int32_t* first) {
  return shuffle_bytes(pixels_at<Ints>(line, first), pixel_pairs<kChannels>());
}

}  // namespace
}  // namespace augsynth
