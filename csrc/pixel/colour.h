// Colour maps that look at the means of a picture.
#pragma once

#include "pixel/host_device.h"
#include "plan.h"

namespace augsynth {
namespace {

// What the map adds to each channel: its offset and the means' part, from the channels' sums over `pixels`.
AUGSYNTH_HD inline void find_offset(const ColourMap& map, int channels, const double* sums, double pixels,
                                    double* offset) {
  for (int c = 0; c < channels; ++c) {
    offset[c] = map.offset[c];
    for (int k = 0; k < channels; ++k) offset[c] += map.of_mean[c * kMaxChannels + k] * (sums[k] / pixels);
  }
}

}  // namespace
}  // namespace augsynth
