// Contrast-limited adaptive histogram equalisation of whole images. clahe.inl is compiled once for each
// instruction set; clahe.cpp provides its memory.
#pragma once

#include <cstdint>

#include "core/image.h"
#include "core/poll.h"
#include "whole_image/plane.h"

namespace augsynth {

// A channel is divided into tiles, the last of which may reach beyond its edges.
struct TileGrid {
  int columns, rows;
  int width, height;  // pixels of a tile
  double clip_limit;  // times the mean of a tile's histogram
};

constexpr int kClaheLevels = 65536;  // of uint16 and float32; uint8 has 256

// Working memory. Entries are the levels that occur in the channel, in order.
struct ClaheMemory {
  std::int32_t* levels;        // of each entry
  std::int32_t* entries;       // of each level
  std::int32_t* counts;        // of the entries in each tile of a row of tiles
  float* tables[2];            // new values of the entries, for two rows of tiles
  std::int32_t* line;          // entries of a line's pixels, as wide as the tiles of a row
  std::int32_t *left, *right;  // for each column, where the tables of the two nearest tiles begin
  float* share;                // of the right tile, for each column
  float* values;               // a line
};

// Equalises one channel, as docs of augsynth.whole_image.clahe say.
using ClahePlane = void(DType dtype, const Plane& source, const Plane& output, const TileGrid& grid,
                        const ClaheMemory& memory, Poll& poll);

// Equalises the channels of an image (height, width, channels) into one of the same shape and dtype, which
// does not overlap it.
void clahe(const Image& source, const Image& output, double clip_limit, int columns, int rows, Poll& poll);

}  // namespace augsynth
