// Part of stages.inl: bilinear sampling of small uint8 images whose border repeats the edge (the constant one
// does too, until it is blended). They are copied with one pixel more on every side, so that all taps lie in
// the copy, side by side.
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

// Whether a copy is possible and pays: the border repeats the edge, and of the small image much is sampled.
bool is_worth_padding(const PlanRow& row, const SourceView& source) {
  const Border border = static_cast<Border>(row.border);
  if (border != Border::kConstant && border != Border::kReplicate) return false;
  if (source.stride_x != row.channels || (row.channels > 1 && source.stride_c != 1)) return false;
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
  PaddedCopy(const PlanRow& row, const SourceView& source) : size_(row), pixel_(row.channels) {
    for (int y = 1; y < size_.lines - 1; ++y) copy_line(source.data + (y - 1) * source.stride_y, line(y));
    copy_bytes(line(0), line(1), size_.line);
    copy_bytes(line(size_.lines - 1), line(size_.lines - 2), size_.line);
  }

  // From the first pixel of the image itself on.
  SourceView view() const { return {bytes_ + size_.line + pixel_, size_.line, pixel_, 1}; }

 private:
  unsigned char* line(int y) { return bytes_ + y * size_.line; }

  void copy_line(const unsigned char* from, unsigned char* to) const {
    const int inner = size_.line - 2 * pixel_;
    copy_bytes(to + pixel_, from, inner);
    for (int c = 0; c < pixel_; ++c) {
      to[c] = from[c];
      to[pixel_ + inner + c] = from[inner - pixel_ + c];
    }
  }

  const PaddedSize size_;
  const int pixel_;  // bytes
  alignas(64) unsigned char bytes_[kMostPadded + kPacket];
};

// Finds taps in a padded image, under any affine or projective map.
class PaddedLocator {
 public:
  PaddedLocator(const PlanRow& row, const SourceView& padded, std::ptrdiff_t packet)
      : grid_(row, padded, packet), positions_(row, -0.5) {}

  void find(const Chunk& chunk, Taps& taps) {
    positions_.find(chunk);
    const Grid grid = grid_;  // a copy that no store can change
    for (int i = 0; i < chunk.count; i += kLanes) {
      const Ints x = positions_.x(i), y = positions_.y(i);
      store(taps.offset[Taps::kUpperLeft] + i, grid.offset(padded(grid.x, x >> 16), padded(grid.y, y >> 16)));
      taps.adjacent[i / kLanes] = true;
      taps.weigh(i, weights_across(x), share_of_upper(y));
    }
  }

 private:
  static Ints padded(const Axis& axis, Ints index) {
    return at_most(at_least(index, broadcast(-1)), broadcast(axis.size - 1));
  }

  const Grid grid_;
  FixedPositions positions_;
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

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
