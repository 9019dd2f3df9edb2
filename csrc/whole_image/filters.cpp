#include "whole_image/filters.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dispatch/dispatch.h"

namespace augsynth {
namespace {

bool lies_side_by_side(const Image& image) {
  const std::int64_t item = item_size(image.dtype);
  return image.stride[2] == item && image.stride[1] == image.shape[2] * item;
}

Plane all_channels(const Image& image) {
  return {image.data,
          image.stride[0],
          item_size(image.dtype),
          static_cast<int>(image.shape[0]),
          static_cast<int>(image.shape[1]),
          static_cast<int>(image.shape[2])};
}

Plane channel_of(const Image& image, std::int64_t channel) {
  return {image.data + channel * image.stride[2],
          image.stride[0],
          image.stride[1],
          static_cast<int>(image.shape[0]),
          static_cast<int>(image.shape[1]),
          1};
}

// Calls body(plane of the source, plane of the output): once where the channels of both lie side by side.
template <typename Body>
void for_planes(const Image& source, const Image& output, const Body& body) {
  if (lies_side_by_side(source) && lies_side_by_side(output))
    return body(all_channels(source), all_channels(output));
  for (std::int64_t channel = 0; channel < source.shape[2]; ++channel)
    body(channel_of(source, channel), channel_of(output, channel));
}

std::size_t values_of(const Image& image) {  // of a line
  return static_cast<std::size_t>(image.shape[1]) * image.shape[2];
}

}  // namespace

void blur(const Image& source, const Image& output, const Kernel& x, const Kernel& y, Poll& poll) {
  const std::size_t height = 2 * static_cast<std::size_t>(y.middle) + 1;
  const std::size_t kept = std::min(height, static_cast<std::size_t>(source.shape[0]));
  const std::size_t margins = 2 * static_cast<std::size_t>(x.middle) * source.shape[2];
  std::vector<float> margined(values_of(source) + margins), lines(kept * values_of(source));
  std::vector<float> sums(values_of(source));
  std::vector<const float*> taps(height);
  const BlurMemory memory{margined.data(), lines.data(), sums.data(), taps.data()};
  for_planes(source, output, [&](const Plane& from, const Plane& to) {
    active_isa().blur_plane(source.dtype, from, to, x, y, memory, poll);
  });
}

void sharpen(const Image& source, const Image& output, float factor, Poll& poll) {
  const std::size_t count = values_of(source);
  std::vector<float> lines(5 * count);
  const SharpenMemory memory{lines.data(), lines.data() + 3 * count, lines.data() + 4 * count};
  for_planes(source, output, [&](const Plane& from, const Plane& to) {
    active_isa().sharpen_plane(source.dtype, from, to, factor, memory, poll);
  });
}

}  // namespace augsynth
