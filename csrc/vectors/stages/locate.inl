// Part of stages.inl: where the four taps of a bilinear sample lie and what they weigh, in fixed point.
// Positions have 16 fractional bits, the weights of a pixel 14, and they sum to kFixedUnit.
#pragma once

#include "pass/fixed.h"
#include "vectors/stages/border.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// (1 - f, f) as a pair of weights that sum to kFixedUnit, from the position's fraction.
Ints weights_across(Ints position) {
  const Ints right = weight_of_right(position);
  return (right ^ 0x3fff) | right << 16;
}

// The upper of two lines' share of 2^15, as a pair.
Ints share_of_upper(Ints position) {
  const Ints share = weight_of_upper(position);
  return share | share << 16;
}

// The four taps of each pixel of a chunk. In an adjacent group (of kLanes pixels) the first corner gives the
// others, and a packet can be read there and on the line below.
struct Taps {
  enum Corner { kUpperLeft, kUpperRight, kLowerLeft, kLowerRight };
  static constexpr std::int32_t kPad = INT32_MIN;  // the offset of a tap that finds the fill
  alignas(64) std::int32_t offset[4][kChunk];      // bytes
  alignas(64) std::int32_t upper[kChunk];          // pairs of weights, left and right
  alignas(64) std::int32_t lower[kChunk];
  bool adjacent[kChunk / kLanes];

  // The tap of pixel i, given the source and a pixel of the fill.
  const unsigned char* find(Corner corner, int i, const unsigned char* data, const unsigned char* pad) const {
    return offset[corner][i] == kPad ? pad : data + offset[corner][i];
  }

  // The pairs of weights of the lanes from i on.
  void weigh(int i, Ints across, Ints share) {
    const Ints above = multiply_high(across, share);
    store(upper + i, above);
    store(lower + i, across - above);
  }
};

// The strides and limits that turn pixels into offsets.
struct Grid {
  Axis x, y;
  bool has_pad;              // see pads_with_fill()
  int taps;                  // on an axis
  std::int32_t strides;      // of y and x, as a pair
  std::int32_t last_packet;  // the last upper left offset from which all lines can be read

  // `packet` is how many bytes of a line are read for a pixel.
  Grid(const PlanRow& row, const SourceView& source, std::ptrdiff_t packet, int taps = 2)
      : x(x_axis(row, source)),
        y(y_axis(row, source)),
        has_pad(pads_with_fill(row)),
        taps(taps),
        strides(static_cast<std::int32_t>(static_cast<std::uint32_t>(x.stride) << 16 | (y.stride & 0xffff))) {
    const std::ptrdiff_t rows = y.stride > 0 ? y.stride * (y.size - taps) : 0;
    const std::ptrdiff_t columns = x.stride > 0 ? x.stride * x.size : x.stride;
    last_packet = static_cast<std::int32_t>(rows + columns - packet);
  }

  Ints offset(Ints at_x, Ints at_y) const {
    return multiply_add(at_x << 16 | (at_y & 0xffff), broadcast(strides));
  }

  // The offset of a tap that may lie outside.
  Ints offset_of_tap(Ints at_x, Ints at_y) const {
    const Ints mapped = offset(inside(x, at_x), inside(y, at_y));
    if (!has_pad) return mapped;
    return (at_x | at_y | (x.size - 1 - at_x) | (y.size - 1 - at_y)) < 0 ? broadcast(Taps::kPad) : mapped;
  }

  // The offsets of the lanes from i on, whose first taps lie at (at_x, at_y).
  void place(int i, Ints at_x, Ints at_y, Taps& taps) const {
    const Ints upper_left = offset(at_x, at_y);
    store(taps.offset[Taps::kUpperLeft] + i, upper_left);
    taps.adjacent[i / kLanes] = !any_negative(room(at_x, at_y, upper_left));
    if (taps.adjacent[i / kLanes]) return;
    store(taps.offset[Taps::kUpperLeft] + i, offset_of_tap(at_x, at_y));
    store(taps.offset[Taps::kUpperRight] + i, offset_of_tap(at_x + 1, at_y));
    store(taps.offset[Taps::kLowerLeft] + i, offset_of_tap(at_x, at_y + 1));
    store(taps.offset[Taps::kLowerRight] + i, offset_of_tap(at_x + 1, at_y + 1));
  }

  // Negative in the lanes whose taps do not all lie inside, in one packet a line.
  Ints room(Ints at_x, Ints at_y, Ints upper_left) const {
    return at_x | at_y | (x.size - taps - at_x) | (y.size - taps - at_y) | (last_packet - upper_left);
  }
};

// Positions under any map, moved by `shift`, in fixed point.
class FixedPositions {
 public:
  FixedPositions(const PlanRow& row, double shift) : row_(row), shift_(shift), affine_(is_affine(row)) {
    const int count = row.output_size[1] < kChunk ? row.output_size[1] : kChunk;
    for (int i = 0; affine_ && i < count; ++i) {
      ramp_x_[i] = to_fixed(row.inverse[0] * i);
      ramp_y_[i] = to_fixed(row.inverse[3] * i);
    }
  }

  void find(const Chunk& chunk) {
    if (chunk.located != nullptr) return fix(*chunk.located, chunk.count);
    if (!affine_) return find_projective(chunk);
    first_x_ = to_fixed(linear(row_.inverse, chunk.x + 0.5, chunk.y + 0.5) + shift_);
    first_y_ = to_fixed(linear(row_.inverse + 3, chunk.x + 0.5, chunk.y + 0.5) + shift_);
  }

  Ints x(int i) const { return reinterpret_cast<Ints>(load<Words>(ramp_x_ + i) + first_x_); }
  Ints y(int i) const { return reinterpret_cast<Ints>(load<Words>(ramp_y_ + i) + first_y_); }

 private:
  [[gnu::always_inline]] void find_projective(const Chunk& chunk) {
    double sx[kChunk], sy[kChunk];
    find_positions(row_, chunk.x, chunk.y, chunk.count, sx, sy);
    for (int i = 0; i < chunk.count; ++i) {
      ramp_x_[i] = to_fixed(sx[i] + shift_);
      ramp_y_[i] = to_fixed(sy[i] + shift_);
    }
  }

  [[gnu::noinline]] void fix(const Located& at, int count) {
    for (int i = 0; i < count; ++i) {
      ramp_x_[i] = to_fixed(within_fixed(at.x[i]) + shift_);
      ramp_y_[i] = to_fixed(within_fixed(at.y[i]) + shift_);
    }
  }

  const PlanRow& row_;
  const double shift_;
  const bool affine_;
  std::uint32_t first_x_ = 0, first_y_ = 0;
  alignas(64) std::int32_t ramp_x_[kChunk] = {}, ramp_y_[kChunk] = {};
};

// Finds taps under any affine or projective map.
class Locator {
 public:
  Locator(const PlanRow& row, const SourceView& source, std::ptrdiff_t packet)
      : grid_(row, source, packet), positions_(row, -0.5) {}

  void find(const Chunk& chunk, Taps& taps) {
    positions_.find(chunk);
    const Grid grid = grid_;  // a copy that no store can change
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints x = positions_.x(i), y = positions_.y(i);
      grid.place(i, x >> 16, y >> 16, taps);
      taps.weigh(i, weights_across(x), share_of_upper(y));
    }
  }

 private:
  const Grid grid_;
  FixedPositions positions_;
};

// Finds taps where y depends on the line alone and x on the column: the columns' taps are found once.
class UprightLocator {
 public:
  UprightLocator(const PlanRow& row, const SourceView& source, std::ptrdiff_t packet)
      : row_(row), grid_(row, source, packet) {}

  void find(const Chunk& chunk, Taps& taps) {
    if (chunk.x != columns_at_) find_columns(chunk);
    const std::int32_t position = to_fixed(linear(row_.inverse + 3, 0.0, chunk.y + 0.5) - 0.5);
    const Ints y = broadcast(position >> 16), share = share_of_upper(broadcast(position));
    const Grid grid = grid_;  // a copy that no store can change
    for (int i = 0; i < chunk.count; i += kLanes) {
      grid.place(i, load<Ints>(x_ + i), y, taps);
      taps.weigh(i, load<Ints>(across_ + i), share);
    }
  }

 private:
  void find_columns(const Chunk& chunk) {
    columns_at_ = chunk.x;
    alignas(64) std::int32_t position[kChunk];
    for (int i = 0; i < chunk.count; ++i)
      position[i] = to_fixed(linear(row_.inverse, chunk.x + i + 0.5, 0.0) - 0.5);
    for (int i = chunk.count; i % kLanes; ++i) position[i] = position[chunk.count - 1];
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints at = load<Ints>(position + i);
      store(x_ + i, at >> 16);
      store(across_ + i, weights_across(at));
    }
  }

  const PlanRow& row_;
  const Grid grid_;
  int columns_at_ = -1;
  alignas(64) std::int32_t x_[kChunk], across_[kChunk];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
