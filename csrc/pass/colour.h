// Colour maps that look at the means of a picture.
#pragma once

#include "core/host_device.h"
#include "core/plan.h"

namespace augsynth {
namespace {

// The number that the map adds to a channel: its offset and the means' part, from the channels' sums over
// `pixels`.
AUGSYNTH_HD inline double offset_of(const ColourMap& map, int c, int channels, const double* sums,
                                    double pixels) {
  const double* of_mean = map.of_mean + c * kMaxChannels;
  double offset = map.offset[c];
  for (int k = 0; k < channels; ++k)
    if (of_mean[k] != 0.0) offset += of_mean[k] * (sums[k] / pixels);
  return offset;
}

// True if sums must leave out a part of 0, because 0 times a NaN or an infinity is not 0. Values of integer
// sources are finite.
inline bool mixes_some(const ColourMap& map, DType source_dtype, int channels) {
  if (source_dtype != DType::kFloat32) return false;
  for (int c = 0; c < channels; ++c)
    for (int k = 0; k < channels; ++k)
      if (map.matrix[c * kMaxChannels + k] == 0.0) return true;
  return false;
}

}  // namespace
}  // namespace augsynth
