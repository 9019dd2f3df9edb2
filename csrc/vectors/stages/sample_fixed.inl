// Part of stages.inl: bilinear sampling of uint8 images in fixed point. A chunk's values are the image's
// times kFixedUnit.
#pragma once

#include "vectors/stages/locate.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kPacket = 8;  // bytes that hold two pixels side by side

// ---- Interleaved images of three or four channels -----------------------------------------------------

template <int kChannels>
void join(unsigned char* packet, const unsigned char* left, const unsigned char* right) {
  __builtin_memcpy(packet, left, kChannels);
  __builtin_memcpy(packet + kChannels, right, kChannels);
}

// The packets of a chunk's upper and lower taps: scalar copies into one place, which vectors then read.
struct Packets {
  alignas(64) unsigned char upper[kChunk * kPacket], lower[kChunk * kPacket];
};

// The place at which split_packets() expects the packet of a lane. The shuffles of wide vectors work on 128
// bits at a time.
constexpr int slot(int lane) { return (lane >> 1 & 1) * (kLanes / 2) + (lane >> 2) * 2 + (lane & 1); }

using Couple = std::uint64_t __attribute__((vector_size(2 * kPacket)));

// Copies a whole group, two packets at a time, with half as many stores. Inlining is forced: the compiler's
// own choice depends on what else it compiles.
[[gnu::always_inline]] inline void copy_adjacent(const unsigned char* data, std::ptrdiff_t next_line,
                                                 const std::int32_t* offset, unsigned char* upper,
                                                 unsigned char* lower) {
  for (int i = 0; i < kLanes; i += 2) {
    const unsigned char *first = data + offset[i], *second = data + offset[i + 1];
    const auto couple = [&](std::ptrdiff_t line) {
      return Couple{load<std::uint64_t>(first + line), load<std::uint64_t>(second + line)};
    };
    store(upper + kPacket * slot(i), couple(0));
    store(lower + kPacket * slot(i), couple(next_line));
  }
}

template <int kChannels>
void copy_corners(const unsigned char* data, const unsigned char* pad, const Taps& taps, int first, int count,
                  unsigned char* upper, unsigned char* lower) {
  const auto at = [&](Taps::Corner corner, int i) { return taps.find(corner, first + i, data, pad); };
  for (int i = 0; i < count; ++i) {
    join<kChannels>(upper + kPacket * slot(i), at(Taps::kUpperLeft, i), at(Taps::kUpperRight, i));
    join<kChannels>(lower + kPacket * slot(i), at(Taps::kLowerLeft, i), at(Taps::kLowerRight, i));
  }
}

template <int kChannels>
void copy_packets(const SourceView& source, const unsigned char* pad, const Taps& taps, int count,
                  Packets& packets) {
  const unsigned char* data = source.data;
  const std::ptrdiff_t next_line = source.stride_y;
  for (int i = 0; i < count; i += kLanes) {
    unsigned char *upper = packets.upper + kPacket * i, *lower = packets.lower + kPacket * i;
    const std::int32_t* offset = taps.offset[Taps::kUpperLeft] + i;
    if (taps.adjacent[i / kLanes])
      copy_adjacent(data, next_line, offset, upper, lower);
    else
      copy_corners<kChannels>(data, pad, taps, i, i + kLanes <= count ? kLanes : count - i, upper, lower);
  }
}

template <int kChannels>
void blend_packets(const Packets& packets, const Taps& taps, const Chunk& chunk) {
  const Planes value = chunk.value;
  const int count = chunk.count;  // a copy that no store can change
  for (int i = 0; i < count; i += kLanes) {
    Ints upper[kChannels], lower[kChannels];
    split_packets<kChannels>(packets.upper + kPacket * i, upper);
    split_packets<kChannels>(packets.lower + kPacket * i, lower);
    const Ints above = load<Ints>(taps.upper + i), below = load<Ints>(taps.lower + i);
    for (int c = 0; c < kChannels; ++c)
      store(value[c] + i, to_floats(multiply_add(upper[c], above) + multiply_add(lower[c], below)));
  }
}

// ---- One channel, or planes at any distance -----------------------------------------------------------

// Two bytes a tap pair, as in a packet of one channel.
struct Couples {
  alignas(64) std::uint16_t upper[kChunk], lower[kChunk];
};

std::uint16_t couple(const unsigned char* left, const unsigned char* right) {
  return static_cast<std::uint16_t>(*left | *right << 8);
}

// kStep is the distance of neighbours in bytes where it is known, and 0 where it is not.
template <int kStep>
void copy_couples(const unsigned char* plane, const unsigned char* pad, const SourceView& source,
                  const Taps& taps, int count, Couples& couples) {
  const auto at = [&](Taps::Corner corner, int i) { return taps.find(corner, i, plane, pad); };
  const std::ptrdiff_t next = kStep ? kStep : source.stride_x, next_line = source.stride_y;
  for (int begin = 0; begin < count; begin += kLanes) {
    const int end = begin + kLanes <= count ? begin + kLanes : count;
    if (taps.adjacent[begin / kLanes]) {
      for (int i = begin; i < end; ++i) {
        const unsigned char* first = plane + taps.offset[Taps::kUpperLeft][i];
        couples.upper[i] = couple(first, first + next);
        couples.lower[i] = couple(first + next_line, first + next_line + next);
      }
    } else {
      for (int i = begin; i < end; ++i) {
        couples.upper[i] = couple(at(Taps::kUpperLeft, i), at(Taps::kUpperRight, i));
        couples.lower[i] = couple(at(Taps::kLowerLeft, i), at(Taps::kLowerRight, i));
      }
    }
  }
}

Ints pairs_of_couples(const std::uint16_t* couples) {
  const Ints both = widen(couples);
  return (both & 0xff) | (both & 0xff00) << 8;
}

void blend_couples(const Couples& couples, const Taps& taps, int count, float* value) {
  for (int i = 0; i < count; i += kLanes) {
    const Ints above = multiply_add(pairs_of_couples(couples.upper + i), load<Ints>(taps.upper + i));
    const Ints below = multiply_add(pairs_of_couples(couples.lower + i), load<Ints>(taps.lower + i));
    store(value + i, to_floats(above + below));
  }
}

// ---- The sampler --------------------------------------------------------------------------------------

// kChannels is 3 or 4 for interleaved images, and 0 for any others.
template <int kChannels, typename Locator>
class FixedPoint {
 public:
  static constexpr double kUnit = kFixedUnit;

  FixedPoint(const PlanRow& row, const SourceView& source, const Scratch&)
      : row_(row), source_(source), locator_(row, source, kChannels ? kPacket : source.stride_x) {
    for (int c = 0; pads_with_fill(row) && c < row.channels; ++c)
      pad_[c] = static_cast<unsigned char>(row.fill[c]);
  }

  void sample(Chunk& chunk) {
    locator_.find(chunk, taps_);
    if constexpr (kChannels != 0) {
      copy_packets<kChannels>(source_, pad_, taps_, chunk.count, packets_);
      blend_packets<kChannels>(packets_, taps_, chunk);
    } else {
      for (int c = 0; c < row_.channels; ++c) {
        const unsigned char* plane = source_.data + c * source_.stride_c;
        const auto copy = source_.stride_x == 1 ? copy_couples<1> : copy_couples<0>;
        copy(plane, pad_ + c, source_, taps_, chunk.count, couples_);
        blend_couples(couples_, taps_, chunk.count, chunk.value[c]);
      }
    }
  }

 private:
  const PlanRow& row_;
  const SourceView source_;
  Locator locator_;
  unsigned char pad_[kMaxChannels];
  Taps taps_;
  Packets packets_;
  Couples couples_;
};

// True if a sampler's taps find the fill under pads_with_fill().
template <typename Sampler>
constexpr bool kFindsPad = false;
template <int kChannels, typename Locator>
constexpr bool kFindsPad<FixedPoint<kChannels, Locator>> = true;

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
