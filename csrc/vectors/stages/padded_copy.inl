// Part of stages.inl: small images of bytes, copied with a border of pixels around them.
#pragma once

#include "vectors/stages/chunk.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kMostPadded = 1 << 14;  // bytes of a padded copy, which must stay in the nearest caches
constexpr int kOverread = 128;        // bytes behind it

// A padded image of contiguous pixels: lines and bytes of a line.
struct PaddedSize {
  int lines, line;

  explicit PaddedSize(const PlanRow& row)
      : lines(row.source_size[0] + 2), line((row.source_size[1] + 2) * row.channels) {}
};

// True if a copy is possible and pays: much of a small image is sampled, and not along the axes.
bool is_worth_padding(const PlanRow& row) {
  const Border border = static_cast<Border>(row.border);
  if (static_cast<DType>(row.source_dtype) != DType::kUint8) return false;
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

// Small images with one pixel more on every side, so that all bilinear taps lie in the copy: the fill where
// pads_with_fill(), and the edge once more elsewhere.
class PaddedCopy {
 public:
  PaddedCopy(const PlanRow& row, const SourceView& source)
      : size_(row), pixel_(row.channels), source_(source) {
    const bool is_contiguous = source.stride_x == pixel_ && (pixel_ == 1 || source.stride_c == 1);
    for (int y = 1; y < size_.lines - 1; ++y) is_contiguous ? copy_line(y) : gather_line(y);
    pads_with_fill(row) ? pad_with_fill(row) : repeat_edge();
  }

  const unsigned char* line(int y) const { return bytes_ + y * size_.line; }

 private:
  unsigned char* line(int y) { return bytes_ + y * size_.line; }
  int inner() const { return size_.line - 2 * pixel_; }  // bytes

  void copy_line(int y) { copy_bytes(line(y) + pixel_, source_.data + (y - 1) * source_.stride_y, inner()); }

  void gather_line(int y) {
    unsigned char* to = line(y);
    const unsigned char* from = source_.data + (y - 1) * source_.stride_y;
    for (int i = 0; i < inner(); i += pixel_, from += source_.stride_x)
      for (int c = 0; c < pixel_; ++c) to[pixel_ + i + c] = from[c * source_.stride_c];
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
    unsigned char fill[kMaxChannels];
    for (int c = 0; c < pixel_; ++c) fill[c] = static_cast<unsigned char>(row.fill[c]);
    for (int i = 0; i < size_.line; i += pixel_)
      for (int c = 0; c < pixel_; ++c) line(0)[i + c] = fill[c];
    copy_bytes(line(size_.lines - 1), line(0), size_.line);
    for (int y = 1; y < size_.lines - 1; ++y)
      for (int c = 0; c < pixel_; ++c) line(y)[c] = line(y)[pixel_ + inner() + c] = fill[c];
  }

  const PaddedSize size_;
  const int pixel_;  // bytes
  const SourceView source_;
  alignas(64) unsigned char bytes_[kMostPadded + kOverread];
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
