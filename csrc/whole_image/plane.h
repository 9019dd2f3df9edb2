// Channels of images, as the filters see them.
#pragma once

#include <cstddef>

#include "core/image.h"

namespace augsynth {

// One channel of an image, or, where channels lie side by side, all of them at once.
struct Plane {
  unsigned char* data;
  std::ptrdiff_t stride_y, stride;  // bytes to the next line and to the next value
  int lines, pixels;                // pixels are those of a line
  int step;                         // values from a pixel to the next one
};

// In a line.
static inline std::ptrdiff_t values_of(const Plane& plane) {
  return std::ptrdiff_t{plane.pixels} * plane.step;
}

static inline bool lies_side_by_side(const Image& image) {
  const std::int64_t item = item_size(image.dtype);
  return image.stride[2] == item && image.stride[1] == image.shape[2] * item;
}

static inline Plane all_channels(const Image& image) {
  return {image.data,
          image.stride[0],
          item_size(image.dtype),
          static_cast<int>(image.shape[0]),
          static_cast<int>(image.shape[1]),
          static_cast<int>(image.shape[2])};
}

static inline Plane channel_of(const Image& image, std::int64_t channel) {
  return {image.data + channel * image.stride[2],
          image.stride[0],
          image.stride[1],
          static_cast<int>(image.shape[0]),
          static_cast<int>(image.shape[1]),
          1};
}

// Calls body(plane of the source, plane of the output): once where the channels of both lie side by side.
template <typename Body>
static void for_planes(const Image& source, const Image& output, const Body& body) {
  if (lies_side_by_side(source) && lies_side_by_side(output))
    return body(all_channels(source), all_channels(output));
  for (std::int64_t channel = 0; channel < source.shape[2]; ++channel)
    body(channel_of(source, channel), channel_of(output, channel));
}

}  // namespace augsynth
