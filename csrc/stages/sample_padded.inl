// Part of stages.inl: bilinear sampling of small uint8 images whose border repeats the edge or shows the
// fill. They are copied with one pixel more on every side, so that all taps lie in the copy, side by side.
#pragma once

#include "stages/sample_fixed.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kMostPadded = 1 << 14;  // bytes of a padded copy, which must stay in the first-level cache

// A padded image of contiguous pixels: lines and bytes of a line.
struct PaddedSize {
  int lines, line;

  explicit PaddedSize(const PlanRow& row)
      : lines(row.source_size[0] + 2), line((row.source_size[1] + 2) * row.channels) {}
};

// Whether a copy is possible and pays: of a small image much is sampled, and not along the axes.
bool is_worth_padding(const PlanRow& row) {
  const Border border = static_cast<Border>(row.border);
  if (border != Border::kConstant && border != Border::kReplicate) return false;
  if (static_cast<Interpolation>(row.interpolation) != Interpolation::kBilinear || is_axis_aligned(row))
    return false;
  const PaddedSize size(row);
  const std::int64_t sampled = std::int64_t{row.output_size[0]} * row.output_size[1];
  return std::int64_t{size.lines} * size.line <= kMostPadded &&
         sampled * 2 >= std::int64_t{row.source_size[0]} * row.source_size[1];
}

// Short runs of bytes, in vectors that may overlap.
inline void copy_bytes(unsigned char* to, const unsigned char* from, int count) {
  using Bytes = unsigned char __attribute__((vector_size(16)));
  constexpr int kStep = sizeof(Bytes);
  if (count < kStep) {
    for (int i = 0; i < count; ++i) to[i] = from[i];
    return;
  }
  for (int i = 0; i + kStep < count; i += kStep) store(to + i, load<Bytes>(from + i));
  store(to + count - kStep, load<Bytes>(from + count - kStep));
}

class PaddedCopy {
 public:
  PaddedCopy(const PlanRow& row, const SourceView& source)
      : size_(row), pixel_(row.channels), source_(source) {
    const bool is_contiguous = source.stride_x == pixel_ && (pixel_ == 1 || source.stride_c == 1);
    for (int y = 1; y < size_.lines - 1; ++y) is_contiguous ? copy_line(y) : gather_line(y);
    pads_with_fill(row) ? pad_with_fill(row) : repeat_edge();
  }

  // From the first pixel of the image itself on.
  SourceView view() const { return {bytes_ + size_.line + pixel_, size_.line, pixel_, 1}; }

 private:
  unsigned char* line(int y) { return bytes_ + y * size_.line; }
  int inner() const { return size_.line - 2 * pixel_; }  // bytes

  void copy_line(int y) { copy_bytes(line(y) + pixel_, source_.data + (y - 1) * source_.stride_y, inner()); }

  void gather_line(int y) {
    unsigned char* to = line(y);
    const unsigned char* from = source_.data + (y - 1) * source_.stride_y;
    for (int i = pixel_; i <= inner(); from += source_.stride_x)
      for (int c = 0; c < pixel_; ++c, ++i) to[i] = from[c * source_.stride_c];
  }

  void repeat_edge() {
    for (int y = 1; y < size_.lines - 1; ++y)
      for (int c = 0; c < pixel_; ++c) {
        line(y)[c] = line(y)[pixel_ + c];
        line(y)[pixel_ + inner() + c] = line(y)[inner() + c];
      }
    copy_bytes(line(0), line(1), size_.line);
    copy_bytes(line(size_.lines - 1), line(size_.lines - 2), size_.line);
  }

  void pad_with_fill(const PlanRow& row) {
    for (int i = 0; i < size_.line; i += pixel_)
      for (int c = 0; c < pixel_; ++c) line(0)[i + c] = static_cast<unsigned char>(row.fill[c]);
    copy_bytes(line(size_.lines - 1), line(0), size_.line);
    for (int y = 1; y < size_.lines - 1; ++y)
      for (int c = 0; c < pixel_; ++c) line(y)[c] = line(y)[pixel_ + inner() + c] = line(0)[c];
  }

  const PaddedSize size_;
  const int pixel_;  // bytes
  const SourceView source_;
  alignas(64) unsigned char bytes_[kMostPadded + kPacket];
};

// Finds the taps of several lines in a padded image, under any affine or projective map.
class PaddedLocator {
 public:
  PaddedLocator(const PlanRow& row, const SourceView& padded, std::ptrdiff_t packet)
      : grid_(row, padded, packet), positions_(row, -0.5), has_fill_(pads_with_fill(row)) {}

  void find(const Chunk& chunk, Taps& taps) {
    for (int line = 0; line < chunk.lines; ++line) place(chunk.part(line, 1), line * chunk.width);
    const Grid grid = grid_;  // a copy that no store can change
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints x = load<Ints>(x_ + i), y = load<Ints>(y_ + i);
      const Ints near_x = padded(grid.x, x), near_y = padded(grid.y, y);
      store(taps.offset[Taps::kUpperLeft] + i, grid.offset(near_x >> 16, near_y >> 16));
      taps.adjacent[i / kLanes] = true;
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
    return at_most(at_least(position, broadcast(-1 * 65536)), broadcast(axis.size * 65536 - 1));
  }

  const Grid grid_;
  FixedPositions positions_;
  const bool has_fill_;
  alignas(64) std::int32_t x_[kChunk + kLanes], y_[kChunk + kLanes];
};

// kChannels is 3 or 4 for interleaved images, and 0 for any others.
template <int kChannels>
class PaddedFixedPoint {
 public:
  static constexpr double kUnit = kFixedUnit;

  PaddedFixedPoint(const PlanRow& row, const SourceView& source, const Scratch& scratch)
      : copy_(row, source), sampler_(row, copy_.view(), scratch) {}

  void sample(Chunk& chunk) { sampler_.sample(chunk); }

 private:
  const PaddedCopy copy_;
  FixedPoint<kChannels, PaddedLocator> sampler_;
};

template <int kChannels>
constexpr bool kFindsPad<PaddedFixedPoint<kChannels>> = true;

// Whether a sampler takes several lines at a time.
template <typename Sampler>
constexpr bool kTakesLines = false;
template <int kChannels>
constexpr bool kTakesLines<PaddedFixedPoint<kChannels>> = true;

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
