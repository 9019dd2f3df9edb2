#include "whole_image/filters.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dispatch/dispatch.h"

namespace augsynth {

AUGSYNTH_BY_ISA(BlurPlane, blur_plane)
AUGSYNTH_BY_ISA(SharpenPlane, sharpen_plane)

namespace {

std::size_t values_of(const Image& image) {  // of a line
  return static_cast<std::size_t>(image.shape[1]) * image.shape[2];
}

}  // namespace

void blur(const Image& source, const Image& output, const HalfKernel& x, const HalfKernel& y, Poll& poll) {
  const std::size_t height = 2 * static_cast<std::size_t>(y.middle) + 1;
  const std::size_t kept = std::min(height, static_cast<std::size_t>(source.shape[0]));
  const std::size_t margins = 2 * static_cast<std::size_t>(x.middle) * source.shape[2];
  std::vector<float> margined(values_of(source) + margins), lines(kept * values_of(source));
  std::vector<float> sums(values_of(source));
  std::vector<const float*> taps(height);
  const BlurMemory memory{margined.data(), lines.data(), sums.data(), taps.data()};
  for_planes(source, output, [&](const Plane& from, const Plane& to) {
    blur_plane[active_isa().number](source.dtype, from, to, x, y, memory, poll);
  });
}

void sharpen(const Image& source, const Image& output, float factor, Poll& poll) {
  const std::size_t count = values_of(source);
  std::vector<float> lines(5 * count);
  const SharpenMemory memory{lines.data(), lines.data() + 3 * count, lines.data() + 4 * count};
  for_planes(source, output, [&](const Plane& from, const Plane& to) {
    sharpen_plane[active_isa().number](source.dtype, from, to, factor, memory, poll);
  });
}

}  // namespace augsynth
