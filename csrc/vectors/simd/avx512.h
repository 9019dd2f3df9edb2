// The vector wrapper of AVX-512 (F, BW, DQ, VL). simd/portable.h says what each operation means.
#pragma once

#include <immintrin.h>

constexpr int kVectorBytes = 64;

#include "pass/normal_table.h"
#include "vectors/simd/vector.h"

namespace augsynth {
namespace {

inline __m512i raw(Ints vector) { return reinterpret_cast<__m512i>(vector); }
inline __m512i raw(Longs vector) { return reinterpret_cast<__m512i>(vector); }
inline Ints ints(__m512i vector) { return reinterpret_cast<Ints>(vector); }

inline Ints zip_low(Ints a, Ints b) { return ints(_mm512_unpacklo_epi32(raw(a), raw(b))); }
inline Ints zip_high(Ints a, Ints b) { return ints(_mm512_unpackhi_epi32(raw(a), raw(b))); }
inline Ints couple_low(Ints a, Ints b) { return ints(_mm512_unpacklo_epi64(raw(a), raw(b))); }
inline Ints couple_high(Ints a, Ints b) { return ints(_mm512_unpackhi_epi64(raw(a), raw(b))); }

inline Ints even_lanes(Ints a, Ints b) {
  return reinterpret_cast<Ints>(
      _mm512_shuffle_ps(reinterpret_cast<Floats>(a), reinterpret_cast<Floats>(b), 0x88));
}
inline Ints odd_lanes(Ints a, Ints b) {
  return reinterpret_cast<Ints>(
      _mm512_shuffle_ps(reinterpret_cast<Floats>(a), reinterpret_cast<Floats>(b), 0xdd));
}

inline Ints multiply_add(Ints a, Ints b) { return ints(_mm512_madd_epi16(raw(a), raw(b))); }
inline Ints multiply_high(Ints a, Ints b) { return ints(_mm512_mulhrs_epi16(raw(a), raw(b))); }
inline Floats join(Doubles first, Doubles second) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(first)), _mm512_cvtpd_ps(second), 1);
}
inline Longs multiply_lower(Longs a, Longs b) {
  return reinterpret_cast<Longs>(_mm512_mul_epu32(raw(a), raw(b)));
}
inline bool any_negative(Ints vector) { return _mm512_movepi32_mask(raw(vector)) != 0; }

inline __m128i quarter_vector(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
inline __m256i half_vector(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

inline Ints widen(const std::uint8_t* from) { return ints(_mm512_cvtepu8_epi32(quarter_vector(from))); }
inline Ints widen(const std::uint16_t* from) { return ints(_mm512_cvtepu16_epi32(half_vector(from))); }
inline Ints widen(const std::int16_t* from) { return ints(_mm512_cvtepi16_epi32(half_vector(from))); }

inline void narrow(std::uint8_t* to, Ints vector) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(raw(vector)));
}
inline void narrow(std::uint16_t* to, Ints vector) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(raw(vector)));
}

inline void stream(float* to, Floats vector) { _mm512_stream_ps(to, vector); }

// An instruction looks up 64 entries at a time, by the lower 6 bits of a level.
inline void look_up_bytes(const std::uint16_t* table, std::uint16_t* levels, int count) {
  __m512i part[8];
  for (int i = 0; i < 8; ++i) part[i] = load<__m512i>(table + i * kHalves);
  const __m512i bit6 = _mm512_set1_epi16(64), bit7 = _mm512_set1_epi16(128);
  for (int i = 0; i < count; i += kHalves) {
    const __m512i level = load<__m512i>(levels + i);
    const auto among = [&](int first) {
      return _mm512_permutex2var_epi16(part[first], level, part[first + 1]);
    };
    const __mmask32 is_upper = _mm512_test_epi16_mask(level, bit6);
    const __m512i lower = _mm512_mask_blend_epi16(is_upper, among(0), among(2));
    const __m512i upper = _mm512_mask_blend_epi16(is_upper, among(4), among(6));
    store(levels + i, _mm512_mask_blend_epi16(_mm512_test_epi16_mask(level, bit7), lower, upper));
  }
}

inline Ints shuffle_bytes(Ints vector, __m128i order) {
  return ints(_mm512_shuffle_epi8(raw(vector), _mm512_broadcast_i32x4(order)));
}

}  // namespace
}  // namespace augsynth

#include "vectors/simd/avx.h"
#include "vectors/simd/x86.h"

namespace augsynth {
namespace {

inline Doubles square_root(Doubles vector) { return _mm512_sqrt_pd(vector); }

inline void prepare_normals(std::uint16_t*) {}

inline void normals_of(const std::uint16_t* halves, Ints (&normals)[2]) {
  const __m512i bits = load<__m512i>(halves), mask = _mm512_set1_epi8(15);
  const __m512i table = _mm512_broadcast_i32x4(quarter_vector(kNormalNibbles));
  const __m512i lower = _mm512_shuffle_epi8(table, _mm512_and_si512(bits, mask));
  const __m512i upper = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(bits, 4), mask));
  const __m512i sums =
      _mm512_add_epi16(_mm512_maddubs_epi16(_mm512_set1_epi16(kOddLower << 8 | kEvenLower), lower),
                       _mm512_maddubs_epi16(_mm512_set1_epi16(kOddUpper << 8 | kEvenUpper), upper));
  normals[0] = ints(_mm512_cvtepi16_epi32(_mm512_castsi512_si256(sums)));
  normals[1] = ints(_mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(sums, 1)));
}

template <typename V, typename T>
inline V pixels_at(const T* line, const std::int32_t* first) {
  const __m256i front = _mm256_inserti128_si256(_mm256_castsi128_si256(quarter_vector(line + first[0])),
                                                quarter_vector(line + first[4]), 1);
  const __m256i back = _mm256_inserti128_si256(_mm256_castsi128_si256(quarter_vector(line + first[8])),
                                               quarter_vector(line + first[12]), 1);
  return reinterpret_cast<V>(_mm512_inserti64x4(_mm512_castsi256_si512(front), back, 1));
}

template <int kChannels>
inline Ints pairs_of_pixels(const std::int16_t* line, const std::int32_t* first) {
  return shuffle_bytes(pixels_at<Ints>(line, first), pixel_pairs<kChannels>());
}

}  // namespace
}  // namespace augsynth
