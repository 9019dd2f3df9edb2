// The common part of AVX2 and AVX-512: byte shuffles of 128 bits, where -1 gives 0.
#pragma once

namespace augsynth {
namespace {

// The shuffle of two packets: the pairs of the first two channels, and those of the other one or two.
template <int kChannels>
inline __m128i first_pairs() {
  constexpr char n = kChannels;
  return _mm_setr_epi8(0, -1, n, -1, 8, -1, n + 8, -1, 1, -1, n + 1, -1, 9, -1, n + 9, -1);
}

template <int kChannels>
inline __m128i second_pairs() {
  constexpr char n = kChannels;
  return _mm_setr_epi8(2, -1, n + 2, -1, 10, -1, n + 10, -1, 3, -1, n + 3, -1, 11, -1, (n + 11) & 15, -1);
}

// The shuffle of (a pixel, the next one): the pairs of their channels.
template <int kChannels>
inline __m128i pixel_pairs() {
  constexpr char n = 2 * kChannels;
  return _mm_setr_epi8(0, 1, n, n + 1, 2, 3, n + 2, n + 3, 4, 5, n + 4, n + 5, 6, 7, (n + 6) & 15,
                       (n + 7) & 15);
}

inline Ints zip(const unsigned char* low, const unsigned char* high) {
  return widen(reinterpret_cast<const std::uint16_t*>(low)) |
         widen(reinterpret_cast<const std::uint16_t*>(high)) << 16;
}

template <int kChannels>
inline void split_packets(const unsigned char* packets, Ints (&pairs)[kChannels]) {
  const Ints a = load<Ints>(packets), b = load<Ints>(packets + kVectorBytes);
  const Ints a_first = shuffle_bytes(a, first_pairs<kChannels>());
  const Ints b_first = shuffle_bytes(b, first_pairs<kChannels>());
  const Ints a_second = shuffle_bytes(a, second_pairs<kChannels>());
  const Ints b_second = shuffle_bytes(b, second_pairs<kChannels>());
  pairs[0] = couple_low(a_first, b_first);
  pairs[1] = couple_high(a_first, b_first);
  pairs[2] = couple_low(a_second, b_second);
  if constexpr (kChannels == 4) pairs[3] = couple_high(a_second, b_second);
}

// ---- Pixels of three channels -------------------------------------------------------------------------

struct Picks {
  signed char lane[16];
};

// The bytes of a third of 48 that belong to a channel of 16 pixels, in their order or reversed.
constexpr Picks pick(int third, int channel, bool reversed) {
  Picks picks{};
  for (int i = 0; i < 16; ++i) {
    const int at = 3 * (reversed ? 15 - i : i) + channel - 16 * third;
    picks.lane[i] = static_cast<signed char>(at >= 0 && at < 16 ? at : -1);
  }
  return picks;
}

template <int kThird, int kChannel, bool kReversed>
inline __m256i picked(__m256i bytes) {
  constexpr Picks picks = pick(kThird, kChannel, kReversed);
  return _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(load<__m128i>(picks.lane)));
}

template <int kChannel, bool kReversed>
inline void split_channel(const __m256i (&thirds)[3], unsigned char* to) {
  const __m256i bytes = _mm256_or_si256(
      _mm256_or_si256(picked<0, kChannel, kReversed>(thirds[0]), picked<1, kChannel, kReversed>(thirds[1])),
      picked<2, kChannel, kReversed>(thirds[2]));
  store(to, kReversed ? _mm256_permute2x128_si256(bytes, bytes, 1) : bytes);
}

template <bool kReversed>
inline void split_pixels(const unsigned char* pixels, unsigned char* const (&to)[3]) {
  __m256i thirds[3];
  for (int k = 0; k < 3; ++k)
    thirds[k] = _mm256_inserti128_si256(_mm256_castsi128_si256(load<__m128i>(pixels + 16 * k)),
                                        load<__m128i>(pixels + 48 + 16 * k), 1);
  split_channel<0, kReversed>(thirds, to[0]);
  split_channel<1, kReversed>(thirds, to[1]);
  split_channel<2, kReversed>(thirds, to[2]);
}

template <bool kReversed>
inline void spread_pixels(const unsigned char* pixels, unsigned char* to) {
  const __m128i first = load<__m128i>(pixels), second = load<__m128i>(pixels + 12);
  const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(kReversed ? second : first),
                                               kReversed ? first : second, 1);
  const __m128i order = kReversed ? _mm_setr_epi8(9, 10, 11, -1, 6, 7, 8, -1, 3, 4, 5, -1, 0, 1, 2, -1)
                                  : _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
  store(to, _mm256_shuffle_epi8(both, _mm256_broadcastsi128_si256(order)));
}

}  // namespace
}  // namespace augsynth
