// Images as executors see them.
#pragma once

#include "core/image.h"
#include "pass/tile.h"

namespace augsynth {

inline SourceView source_view(const Image& image) {
  return {image.data, image.stride[0], image.stride[1], image.stride[2]};
}

// The stride along an axis of one pixel says nothing, so strides that the layout implies are not taken from
// it.
inline OutputView output_view(const Image& image) {
  const std::int64_t item = item_size(image.dtype);
  if (is_planar(image)) return {image.data, image.stride[0], image.stride[1], item};
  return {image.data, item, image.stride[1], image.shape[0] * item};
}

}  // namespace augsynth
