// Part of stages.inl: bilinear sampling of small uint8 images whose border repeats the edge or shows the
// fill. All that a sample needs lies in one place of a padded copy, and no tap needs a second look.
#pragma once

#include "vectors/stages/padded_copy.inl"
#include "vectors/stages/sample_fixed.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// For each byte of a padded image, a lane with its own, the one below it, and those of the next pixel.
class Squares {
 public:
  Squares(const PlanRow& row, const SourceView& source) : pixel_(row.channels), line_(PaddedSize(row).line) {
    const PaddedCopy copy(row, source);
    const unsigned char *upper = copy.line(0), *lower = copy.line(1);
    for (int i = 0; i < (PaddedSize(row).lines - 1) * line_; i += kLanes)
      store(bytes_ + i, widen(upper + i) | widen(lower + i) << 8 | widen(upper + i + pixel_) << 16 |
                            widen(lower + i + pixel_) << 24);
  }

  // The offset of the image's first pixel.
  const std::int32_t* first() const { return bytes_ + line_ + pixel_; }

 private:
  const int pixel_, line_;  // in lanes
  alignas(64) std::int32_t bytes_[kMostPadded + kOverread];
};

// Finds the first taps of several lines in a padded image, and their weights, under any affine or projective
// map.
class PaddedLocator {
 public:
  PaddedLocator(const PlanRow& row, const SourceView& padded)
      : grid_(row, padded, 0), positions_(row, -0.5), has_fill_(pads_with_fill(row)) {}

  void find(const Chunk& chunk, Taps& taps) {
    for (int line = 0; line < chunk.lines; ++line) place(chunk.part(line, 1), line * chunk.width);
    const Grid grid = grid_;  // a copy that no store can change
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints x = load<Ints>(x_ + i), y = load<Ints>(y_ + i);
      const Ints near_x = padded(grid.x, x), near_y = padded(grid.y, y);
      store(taps.offset[Taps::kUpperLeft] + i, grid.offset(near_x >> 16, near_y >> 16));
      taps.weigh(i, weights_across(has_fill_ ? near_x : x), share_of_upper(has_fill_ ? near_y : y));
    }
  }

 private:
  void place(const Chunk& line, int at) {
    positions_.find(line);
    for (int i = 0; i < line.width; i += kLanes) {
      store(x_ + at + i, positions_.x(i));
      store(y_ + at + i, positions_.y(i));
    }
  }

  // Farther out all is like the pad: the first tap alone on one side, and the second on the other. Where the
  // edge is repeated both are alike, but weights of other pixels' positions would be rounded otherwise.
  static Ints padded(const Axis& axis, Ints position) {
    return at_most(at_least(position, broadcast(-65536)), broadcast(axis.size * 65536 - 1));
  }

  const Grid grid_;
  FixedPositions positions_;
  const bool has_fill_;
  alignas(64) std::int32_t x_[kChunk + kLanes], y_[kChunk + kLanes];
};

// kChannels is 3 or 4, and 0 for any other number.
template <int kChannels>
class PaddedFixedPoint {
 public:
  static constexpr double kUnit = kFixedUnit;

  PaddedFixedPoint(const PlanRow& row, const SourceView& source, const Scratch&)
      : row_(row),
        squares_(row, source),
        locator_(row, {source.data, PaddedSize(row).line, row.channels, 1}) {}

  void sample(Chunk& chunk) {
    locator_.find(chunk, taps_);
    if constexpr (kChannels != 0) return blend_pixels(chunk);
    for (int c = 0; c < row_.channels; ++c) blend_channel(squares_.first() + c, chunk.count, chunk.value[c]);
  }

 private:
  Floats blend(Ints squares, int i) const {
    const Ints above = multiply_add(squares & 0xff00ff, load<Ints>(taps_.upper + i));
    const Ints below = multiply_add(squares >> 8 & 0xff00ff, load<Ints>(taps_.lower + i));
    return to_floats(above + below);
  }

  void blend_pixels(const Chunk& chunk) const {
    const Planes value = chunk.value;
    for (int i = 0; i < chunk.count; i += kLanes) {
      Ints squares[4];
      for (int k = 0; k < 4; ++k) squares[k] = pixels_at<Ints>(squares_.first(), taps_.offset[0] + i + k);
      transpose(squares);
      for (int c = 0; c < kChannels; ++c) store(value[c] + i, blend(squares[c], i));
    }
  }

  void blend_channel(const std::int32_t* first, int count, float* value) const {
    alignas(64) std::int32_t squares[kChunk];
    for (int i = 0; i < count; ++i) squares[i] = first[taps_.offset[0][i]];
    for (int i = 0; i < count; i += kLanes) store(value + i, blend(load<Ints>(squares + i), i));
  }

  const PlanRow& row_;
  const Squares squares_;
  PaddedLocator locator_;
  Taps taps_;
};

template <int kChannels>
constexpr bool kFindsPad<PaddedFixedPoint<kChannels>> = true;

// True if a sampler takes several lines at a time.
template <typename Sampler>
constexpr bool kTakesLines = false;
template <int kChannels>
constexpr bool kTakesLines<PaddedFixedPoint<kChannels>> = true;

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
