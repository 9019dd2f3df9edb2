// The grey levels of byte images (height, width, channels): how often each occurs, and others in their place.
// Channels count for themselves.
#pragma once

#include <cstdint>

#include "core/image.h"
#include "core/poll.h"

namespace augsynth {

constexpr int kLevels = 256;

// Sets counts[channel * kLevels + level].
void count_levels(const Image& image, std::int64_t* counts, Poll& poll);

// output = levels[channel * kLevels + level of the image] at every pixel, for images of one shape.
void map_levels(const Image& image, const std::uint8_t* levels, const Image& output, Poll& poll);

}  // namespace augsynth
