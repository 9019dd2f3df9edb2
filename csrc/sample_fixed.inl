// Part of stages.inl: bilinear sampling of uint8 images in fixed point. Positions have 16 fractional bits,
// the four weights of a pixel 14 and sum to kFixedUnit, so a chunk's values are the image's times kFixedUnit.
#pragma once

#include "border.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr double kPositionUnit = 65536.0;
constexpr double kFixedUnit = 16383.0;
constexpr double kFarthestFixed = 32000.0;  // positions must fit into 16 bits before the point
constexpr int kPacket = 8;                  // bytes that hold two pixels side by side

std::int32_t to_fixed(double value) {
  return static_cast<std::int32_t>(static_cast<std::int64_t>(__builtin_floor(value * kPositionUnit + 0.5)));
}

bool maps_near(const PlanRow& row, double x, double y) {
  const double* m = row.inverse;
  const double w = linear(m + 6, x, y);
  return absolute(linear(m, x, y)) <= kFarthestFixed * w &&
         absolute(linear(m + 3, x, y)) <= kFarthestFixed * w;
}

// Whether all positions and all offsets of a row fit.
bool fits_fixed_point(const PlanRow& row, const SourceView& source) {
  const double width = row.output_size[1], height = row.output_size[0];
  const double bytes = absolute(static_cast<double>(source.stride_y)) * row.source_size[0] +
                       absolute(static_cast<double>(source.stride_x)) * row.source_size[1];
  return bytes < 2147483648.0 && row.source_size[0] <= kFarthestFixed &&
         row.source_size[1] <= kFarthestFixed && maps_near(row, 0.0, 0.0) && maps_near(row, width, 0.0) &&
         maps_near(row, 0.0, height) && maps_near(row, width, height);
}

// (1 - f, f) as a pair of weights that sum to kFixedUnit, from the position's fraction.
Ints weights_across(Ints position) {
  const Ints right = (position >> 2) & 0x3fff;
  return (right ^ 0x3fff) | right << 16;
}

// The upper of two lines' share of 2^15, as a pair.
Ints share_of_upper(Ints position) {
  const Ints share = (position >> 1 & 0x7fff) ^ 0x7fff;
  return share | share << 16;
}

// Where the pixels of a chunk find their four taps. In an adjacent group (of kLanes pixels) the first corner
// tells the others, and a packet can be read there and on the line below.
struct Taps {
  enum Corner { kUpperLeft, kUpperRight, kLowerLeft, kLowerRight };
  alignas(64) std::int32_t offset[4][kChunk];  // bytes
  alignas(64) std::int32_t upper[kChunk];      // pairs of weights, left and right
  alignas(64) std::int32_t lower[kChunk];
  bool adjacent[kChunk / kLanes];

  // The pairs of weights of the lanes from i on.
  void weigh(int i, Ints across, Ints share) {
    const Ints above = multiply_high(across, share);
    store(upper + i, above);
    store(lower + i, across - above);
  }
};

// Finds taps under any affine or projective map.
class Locator {
 public:
  Locator(const PlanRow& row, const SourceView& source, int packet)
      : row_(row), x_(x_axis(row, source)), y_(y_axis(row, source)), affine_(is_affine(row)) {
    const std::ptrdiff_t end_y = y_.stride > 0 ? y_.stride * (y_.size - 1) : 0;
    const std::ptrdiff_t end_x = x_.stride > 0 ? x_.stride * x_.size : 0;
    last_packet_ = static_cast<std::int32_t>(packet ? end_y + end_x - packet : end_y + end_x);
    if (!affine_) return;
    for (int i = 0; i < kChunk && i < row.output_size[1] + kLanes; ++i) {
      ramp_x_[i] = to_fixed(row.inverse[0] * i);
      ramp_y_[i] = to_fixed(row.inverse[3] * i);
    }
  }

  void find(const Chunk& chunk, Taps& taps) {
    std::int32_t x = 0, y = 0;
    if (affine_) {
      x = to_fixed(linear(row_.inverse, chunk.x + 0.5, chunk.y + 0.5) - 0.5);
      y = to_fixed(linear(row_.inverse + 3, chunk.x + 0.5, chunk.y + 0.5) - 0.5);
    } else {
      find_projective(chunk);
    }
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints at_x = reinterpret_cast<Ints>(load<Words>(ramp_x_ + i) + static_cast<std::uint32_t>(x));
      const Ints at_y = reinterpret_cast<Ints>(load<Words>(ramp_y_ + i) + static_cast<std::uint32_t>(y));
      place(i, at_x >> 16, at_y >> 16, taps);
      taps.weigh(i, weights_across(at_x), share_of_upper(at_y));
    }
  }

 private:
  void find_projective(const Chunk& chunk) {
    double sx[kChunk], sy[kChunk];
    find_positions(row_, chunk.x, chunk.y, chunk.count, sx, sy);
    for (int i = 0; i < chunk.count; ++i) {
      ramp_x_[i] = to_fixed(sx[i] - 0.5);
      ramp_y_[i] = to_fixed(sy[i] - 0.5);
    }
  }

  void place(int i, Ints x, Ints y, Taps& taps) const {
    const Ints upper_left =
        y * static_cast<std::int32_t>(y_.stride) + x * static_cast<std::int32_t>(x_.stride);
    const Ints furthest = at_least(upper_left, upper_left + static_cast<std::int32_t>(y_.stride));
    const Ints outside =
        (x < 0) | (x > x_.size - 2) | (y < 0) | (y > y_.size - 2) | (furthest > last_packet_);
    taps.adjacent[i / kLanes] = !any(outside);
    if (taps.adjacent[i / kLanes]) return store(taps.offset[Taps::kUpperLeft] + i, upper_left);
    const Ints left = inside(x_, x) * static_cast<std::int32_t>(x_.stride);
    const Ints right = inside(x_, x + 1) * static_cast<std::int32_t>(x_.stride);
    const Ints above = inside(y_, y) * static_cast<std::int32_t>(y_.stride);
    const Ints below = inside(y_, y + 1) * static_cast<std::int32_t>(y_.stride);
    store(taps.offset[Taps::kUpperLeft] + i, above + left);
    store(taps.offset[Taps::kUpperRight] + i, above + right);
    store(taps.offset[Taps::kLowerLeft] + i, below + left);
    store(taps.offset[Taps::kLowerRight] + i, below + right);
  }

  const PlanRow& row_;
  const Axis x_, y_;
  const bool affine_;
  std::int32_t last_packet_;
  alignas(64) std::int32_t ramp_x_[kChunk + kLanes] = {}, ramp_y_[kChunk + kLanes] = {};
};

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

template <int kChannels>
void copy_packets(const SourceView& source, const Taps& taps, int count, Packets& packets) {
  const auto* offset = taps.offset;
  for (int i = 0; i < count; ++i) {
    unsigned char *upper = packets.upper + kPacket * i, *lower = packets.lower + kPacket * i;
    if (taps.adjacent[i / kLanes]) {
      const unsigned char* at = source.data + offset[Taps::kUpperLeft][i];
      __builtin_memcpy(upper, at, kPacket);
      __builtin_memcpy(lower, at + source.stride_y, kPacket);
    } else {
      join<kChannels>(upper, source.data + offset[Taps::kUpperLeft][i],
                      source.data + offset[Taps::kUpperRight][i]);
      join<kChannels>(lower, source.data + offset[Taps::kLowerLeft][i],
                      source.data + offset[Taps::kLowerRight][i]);
    }
  }
}

template <int kChannels>
void blend_packets(const Packets& packets, const Taps& taps, Chunk& chunk) {
  for (int i = 0; i < chunk.count; i += kLanes) {
    Ints upper[kChannels], lower[kChannels];
    split_packets<kChannels>(packets.upper + kPacket * i, upper);
    split_packets<kChannels>(packets.lower + kPacket * i, lower);
    const Ints above = load<Ints>(taps.upper + i), below = load<Ints>(taps.lower + i);
    for (int c = 0; c < kChannels; ++c)
      store(chunk.value[c] + i, to_floats(multiply_add(upper[c], above) + multiply_add(lower[c], below)));
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

void copy_couples(const unsigned char* plane, const SourceView& source, const Taps& taps, int count,
                  Couples& couples) {
  const auto* offset = taps.offset;
  for (int i = 0; i < count; ++i) {
    const unsigned char* at = plane + offset[Taps::kUpperLeft][i];
    if (taps.adjacent[i / kLanes]) {
      couples.upper[i] = couple(at, at + source.stride_x);
      couples.lower[i] = couple(at + source.stride_y, at + source.stride_y + source.stride_x);
    } else {
      couples.upper[i] = couple(at, plane + offset[Taps::kUpperRight][i]);
      couples.lower[i] = couple(plane + offset[Taps::kLowerLeft][i], plane + offset[Taps::kLowerRight][i]);
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
template <int kChannels>
class FixedPoint {
 public:
  static constexpr double kUnit = kFixedUnit;

  FixedPoint(const PlanRow& row, const SourceView& source, const Scratch&)
      : row_(row), source_(source), locator_(row, source, kChannels ? kPacket : 0) {}

  void sample(Chunk& chunk) {
    locator_.find(chunk, taps_);
    if constexpr (kChannels != 0) {
      copy_packets<kChannels>(source_, taps_, chunk.count, packets_);
      blend_packets<kChannels>(packets_, taps_, chunk);
    } else {
      for (int c = 0; c < row_.channels; ++c) {
        copy_couples(source_.data + c * source_.stride_c, source_, taps_, chunk.count, couples_);
        blend_couples(couples_, taps_, chunk.count, chunk.value[c]);
      }
    }
  }

 private:
  const PlanRow& row_;
  const SourceView source_;
  Locator locator_;
  Taps taps_;
  Packets packets_;
  Couples couples_;
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
