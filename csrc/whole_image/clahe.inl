// The equalisation of clahe.h, compiled once for each instruction set, after its vector wrapper. It uses
// nothing of the standard library, as stages.inl.
#pragma once

#include "pass/border.h"
#include "pass/missing.h"
#include "whole_image/clahe.h"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// ---- Levels -------------------------------------------------------------------------------------------

template <typename Item>
constexpr int kFullLevel = sizeof(Item) == 1 ? 255 : kClaheLevels - 1;

inline int level_of(std::uint8_t value) { return value; }
inline int level_of(std::uint16_t value) { return value; }
inline int level_of(float value) {
  return value == value ? static_cast<int>(within(value * 65535.0, 0.0, 65535.0) + 0.5) : 0;
}

template <typename Item>
Item item_at(const Plane& plane, int x, int y) {
  return load<Item>(plane.data + y * plane.stride_y + x * plane.stride);
}

// Lists the levels that occur, and returns their number. All levels of uint8 are listed, without a search.
template <typename Item>
int list_levels(const Plane& plane, const ClaheMemory& memory, Poll& poll) {
  constexpr int kLevelsOfItem = kFullLevel<Item> + 1;
  for (int level = 0; level < kLevelsOfItem; ++level) memory.entries[level] = sizeof(Item) == 1;
  for (int y = 0; y < plane.lines && sizeof(Item) > 1; ++y) {
    poll();
    for (int x = 0; x < plane.pixels; ++x) memory.entries[level_of(item_at<Item>(plane, x, y))] = 1;
  }
  int count = 0;
  for (int level = 0; level < kLevelsOfItem; ++level) {
    if (!memory.entries[level]) continue;
    memory.levels[count] = level;
    memory.entries[level] = count++;
  }
  return count;
}

template <typename Item>
void find_entries(const Plane& plane, int y, const ClaheMemory& memory) {
  for (int x = 0; x < plane.pixels; ++x)
    memory.line[x] = memory.entries[level_of(item_at<Item>(plane, x, y))];
}

// ---- Tables of a row of tiles ---------------------------------------------------------------------------

// The histograms of a row of tiles. Beyond its edges the image is reflected about the outermost pixel
// centres.
template <typename Item>
void count_tiles(const Plane& plane, const TileGrid& grid, int row, int entries, const ClaheMemory& memory,
                 Poll& poll) {
  const Axis across{plane.pixels, 0, Border::kReflect101}, down{plane.lines, 0, Border::kReflect101};
  __builtin_memset(memory.counts, 0, sizeof(std::int32_t) * entries * grid.columns);
  for (int y = row * grid.height; y < (row + 1) * grid.height; ++y) {
    poll();
    find_entries<Item>(plane, inside(down, y), memory);
    for (int x = plane.pixels; x < grid.columns * grid.width; ++x)
      memory.line[x] = memory.line[inside(across, x)];
    const std::int32_t* at = memory.line;
    for (int column = 0; column < grid.columns; ++column)
      for (int x = 0; x < grid.width; ++x) ++memory.counts[std::ptrdiff_t{column} * entries + *at++];
  }
}

// Rounds to the nearest integer, halves to even, in the range of levels.
template <typename F>
F nearest_level(F value) {
  constexpr float kLastPlace = 12582912.0f;  // 1.5 * 2^23: its neighbours are 1 apart
  return (value + kLastPlace) - kLastPlace;
}

// The counts of a tile above the limit are spread over all levels. What is left over goes to levels that are
// `step` apart, one each from level 0 on. The sum of the counts up to a level becomes its new value.
void write_table(const std::int32_t* counts, const std::int32_t* levels, int entries, int full,
                 std::int64_t pixels, double clip_limit, float* table) {
  const double clipped = clip_limit * static_cast<double>(pixels) / (full + 1);
  const std::int64_t most =
      clipped < static_cast<double>(pixels) ? static_cast<std::int64_t>(clipped) : pixels;
  const std::int64_t limit = most > 1 ? most : 1;
  std::int64_t excess = pixels;
  for (int i = 0; i < entries; ++i) excess -= counts[i] < limit ? counts[i] : limit;
  const std::int64_t spread = excess / (full + 1), rest = excess % (full + 1);
  const std::int64_t step = (full + 1) / (rest > 1 ? rest : 1);
  const float scale = static_cast<float>(full) / static_cast<float>(pixels);
  std::int64_t sum = 0, extra = 0;
  for (int i = 0; i < entries; ++i) {
    sum += counts[i] < limit ? counts[i] : limit;
    while (extra < rest && extra * step <= levels[i]) ++extra;
    table[i] = nearest_level(static_cast<float>(sum + spread * (levels[i] + 1) + extra) * scale);
  }
}

template <typename Item>
void write_tables(const Plane& plane, const TileGrid& grid, int row, int entries, const ClaheMemory& memory,
                  Poll& poll) {
  count_tiles<Item>(plane, grid, row, entries, memory, poll);
  for (int column = 0; column < grid.columns; ++column)
    write_table(memory.counts + std::ptrdiff_t{column} * entries, memory.levels, entries, kFullLevel<Item>,
                std::int64_t{grid.width} * grid.height, grid.clip_limit,
                memory.tables[row % 2] + std::ptrdiff_t{column} * entries);
}

// ---- Blending between tiles -----------------------------------------------------------------------------

// The two tiles on an axis whose centres lie around a pixel, and the share of the second one.
struct Neighbours {
  int first, second;
  float share;

  Neighbours(int at, int side, int tiles) {
    const float position = static_cast<float>(at) * (1.0f / static_cast<float>(side)) - 0.5f;
    const int before = position < 0.0f ? -1 : static_cast<int>(position);
    first = before < 0 ? 0 : before;
    second = before + 1 < tiles ? before + 1 : tiles - 1;
    share = position - static_cast<float>(before);
  }
};

void find_columns(const Plane& plane, const TileGrid& grid, int entries, const ClaheMemory& memory) {
  for (int x = 0; x < plane.pixels; ++x) {
    const Neighbours tiles(x, grid.width, grid.columns);
    memory.left[x] = tiles.first * entries;
    memory.right[x] = tiles.second * entries;
    memory.share[x] = tiles.share;
  }
}

void blend_line(const ClaheMemory& memory, const float* upper, const float* lower, float below, int count) {
  for (int x = 0; x < count; ++x) {
    const int left = memory.left[x] + memory.line[x], right = memory.right[x] + memory.line[x];
    const float to_right = memory.share[x], to_left = 1.0f - to_right;
    const float above = upper[left] * to_left + upper[right] * to_right;
    const float under = lower[left] * to_left + lower[right] * to_right;
    memory.values[x] = above * (1.0f - below) + under * below;
  }
}

template <typename Item>
Item equalised(Item, float value) {
  return static_cast<Item>(static_cast<std::int32_t>(nearest_level(value)));
}
template <>
inline float equalised<float>(float came, float value) {
  return came == came ? value / 65535.0f : came;
}

template <typename Item>
void equalise_items(const Plane& source, const Plane& output, const TileGrid& grid, const ClaheMemory& memory,
                    Poll& poll) {
  const int entries = list_levels<Item>(source, memory, poll);
  find_columns(source, grid, entries, memory);
  for (int y = 0, ready = 0; y < source.lines; ++y) {
    poll();
    const Neighbours rows(y, grid.height, grid.rows);
    for (; ready <= rows.second; ++ready) write_tables<Item>(source, grid, ready, entries, memory, poll);
    find_entries<Item>(source, y, memory);
    blend_line(memory, memory.tables[rows.first % 2], memory.tables[rows.second % 2], rows.share,
               source.pixels);
    unsigned char* to = output.data + y * output.stride_y;
    for (int x = 0; x < source.pixels; ++x)
      store(to + x * output.stride, equalised(item_at<Item>(source, x, y), memory.values[x]));
  }
}

}  // namespace

void clahe_plane(DType dtype, const Plane& source, const Plane& output, const TileGrid& grid,
                 const ClaheMemory& memory, Poll& poll) {
  switch (dtype) {
    case DType::kUint8:
      return equalise_items<std::uint8_t>(source, output, grid, memory, poll);
    case DType::kUint16:
      return equalise_items<std::uint16_t>(source, output, grid, memory, poll);
    default:
      return equalise_items<float>(source, output, grid, memory, poll);
  }
}

}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
