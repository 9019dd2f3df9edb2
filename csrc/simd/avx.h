// What AVX2 and AVX-512 have in common: byte shuffles of 128 bits, where -1 gives 0.
#pragma once

namespace augsynth {
namespace {

// Of two packets: the pairs of the first two channels, and those of the other one or two.
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

// Of (a pixel, the next one): the pairs of their channels.
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

}  // namespace
}  // namespace augsynth
