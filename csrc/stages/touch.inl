// Part of stages.inl: bringing the source's pixels into the cache before they are sampled in no order that a
// prefetcher can guess. One load a cache line, many under way at once, is what memory serves best.
#pragma once

#include "stages/fill.inl"

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

// Reads one byte of every cache line of the box, where its lines are contiguous and it is not too large.
void touch(const PlanRow& row, const SourceView& source, int begin, int end) {
  const std::ptrdiff_t pixel = source.stride_x < 0 ? -source.stride_x : source.stride_x;
  const Box box = box_under(row, begin, end);
  // No farther than the first byte of the last pixel: what lies behind it need not belong to the source.
  const std::ptrdiff_t lines = box.y.end - box.y.begin, length = (box.x.end - box.x.begin - 1) * pixel + 1;
  if (lines * length > kMostTouched) return;
  unsigned sum = 0;
  for (int y = box.y.begin; y < box.y.end; ++y) {
    const unsigned char* line = source.data + y * source.stride_y + box.x.begin * source.stride_x;
    for (std::ptrdiff_t at = 0; at < length; at += kCacheLine) sum += line[source.stride_x < 0 ? -at : at];
  }
  __asm__ volatile("" : : "r"(sum));  // keeps the loads
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
