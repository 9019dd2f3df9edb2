// Part of stages.inl: bringing the source's pixels into the cache before they are sampled in no order that a
// prefetcher can guess. One load a cache line, many under way at once, is what memory serves best.
#pragma once

#include "vectors/stages/fill.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr std::ptrdiff_t kMostTouched = 1 << 20;  // bytes: more would push the first out again

// The source pixels that lie under the output lines [begin, end), a pixel more on either side, within the
// source.
Box box_under(const PlanRow& row, int begin, int end) {
  const Extent extent = extent_under(row, begin, end);
  const auto range = [&](int axis) {
    const double size = row.source_size[1 - axis];
    return Range{static_cast<int>(within(extent.low[axis] - 1.0, 0.0, size)),
                 static_cast<int>(within(extent.high[axis] + 2.0, 0.0, size))};
  };
  return {range(0), range(1)};
}

// Reads a byte of every cache line of `length` bytes.
inline void touch_run(const unsigned char* from, std::ptrdiff_t length) {
  unsigned sum = 0;
  for (std::ptrdiff_t at = 0; at < length; at += kCacheLine) sum += from[at];
  __asm__ volatile("" : : "r"(sum));  // keeps the loads
}

// Reads the box, where its lines are contiguous and it is not too large. Short gaps between lines are read as
// well: without them, memory is one stream that the processor can run ahead of.
void touch(const PlanRow& row, const SourceView& source, int begin, int end) {
  const Box box = box_under(row, begin, end);
  const std::ptrdiff_t lines = box.y.end - box.y.begin, pixels = box.x.end - box.x.begin;
  if (lines <= 0 || pixels <= 0) return;
  // No farther than the first byte of the last pixel: what lies behind it need not belong to the source.
  const std::ptrdiff_t across = (pixels - 1) * source.stride_x, down = (lines - 1) * source.stride_y;
  const std::ptrdiff_t length = (across < 0 ? -across : across) + 1;
  const unsigned char* first = source.data + box.y.begin * source.stride_y + box.x.begin * source.stride_x;
  if (across < 0) first += across;
  if (lines * length > kMostTouched) return;
  if (source.stride_y > 0 && source.stride_y <= 2 * length) return touch_run(first, down + length);
  for (std::ptrdiff_t y = 0; y < lines; ++y) touch_run(first + y * source.stride_y, length);
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
