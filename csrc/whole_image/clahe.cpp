#include "whole_image/clahe.h"

#include <algorithm>
#include <cstddef>
#include <memory>

#include "dispatch/dispatch.h"

namespace augsynth {

AUGSYNTH_BY_ISA(ClahePlane, clahe_plane)

namespace {

// Both sides of a tile grow where the grid does not divide one side of the image, as in OpenCV.
TileGrid grid_of(const Image& image, double clip_limit, int columns, int rows) {
  const int height = static_cast<int>(image.shape[0]), width = static_cast<int>(image.shape[1]);
  const int grows = height % rows != 0 || width % columns != 0;
  return {columns, rows, width / columns + grows, height / rows + grows, clip_limit};
}

template <typename T>
std::unique_ptr<T[]> uninitialised(std::size_t count) {
  return std::unique_ptr<T[]>(new T[count]);
}

}  // namespace

void clahe(const Image& source, const Image& output, double clip_limit, int columns, int rows, Poll& poll) {
  const TileGrid grid = grid_of(source, clip_limit, columns, rows);
  const auto pixels = static_cast<std::size_t>(source.shape[0] * source.shape[1]);
  const std::size_t levels = source.dtype == DType::kUint8 ? 256 : kClaheLevels;
  const std::size_t entries = std::min(levels, std::max<std::size_t>(256, pixels));
  const std::size_t width = static_cast<std::size_t>(grid.width) * columns;
  const auto numbers = uninitialised<std::int32_t>(entries * (1 + columns) + levels + 3 * width);
  const auto values = uninitialised<float>(2 * entries * columns + 2 * width);
  std::int32_t* const counts = numbers.get() + entries + levels;
  std::int32_t* const line = counts + entries * columns;
  float* const share = values.get() + 2 * entries * columns;
  const ClaheMemory memory{numbers.get(),
                           numbers.get() + entries,
                           counts,
                           {values.get(), values.get() + entries * columns},
                           line,
                           line + width,
                           line + 2 * width,
                           share,
                           share + width};
  for (std::int64_t channel = 0; channel < source.shape[2]; ++channel)
    clahe_plane[active_isa().number](source.dtype, channel_of(source, channel), channel_of(output, channel),
                                     grid, memory, poll);
}

}  // namespace augsynth
