#include "run.h"

#include <algorithm>

#include "dispatch.h"
#include "errors.h"
#include "threads.h"
#include "validate.h"

namespace augsynth {
namespace {

constexpr std::int64_t kTilePixels = 1 << 14;
constexpr int kMaxThreads = 1024;

// Output lines [begin, end) of one sample.
struct Tile {
  std::size_t sample;
  int begin, end;
};

std::vector<Tile> split(const std::vector<PlanRow>& rows) {
  std::vector<Tile> tiles;
  for (std::size_t sample = 0; sample < rows.size(); ++sample) {
    const int height = rows[sample].output_size[0];
    const int lines = static_cast<int>(std::max<std::int64_t>(1, kTilePixels / rows[sample].output_size[1]));
    for (int begin = 0; begin < height; begin += lines)
      tiles.push_back({sample, begin, std::min(begin + lines, height)});
  }
  return tiles;
}

SourceView source_view(const Image& image) {
  return {image.data, image.stride[0], image.stride[1], image.stride[2]};
}

// The stride along an axis of one pixel says nothing, so strides that the layout implies are not taken from it.
OutputView output_view(const Image& image) {
  const std::int64_t item = item_size(image.dtype);
  if (is_planar(image)) return {image.data, image.stride[0], image.stride[1], item};
  return {image.data, item, image.stride[1], image.shape[0] * item};
}

}  // namespace

void run(const std::vector<PlanRow>& rows, const std::vector<Image>& sources,
         const std::vector<Image>& outputs, int threads) {
  if (threads < 1 || threads > kMaxThreads)
    throw ArgumentError("threads is " + std::to_string(threads) + ", expected 1 to " +
                        std::to_string(kMaxThreads));
  validate_rows(rows);
  validate_images(rows, sources, outputs);

  const std::vector<Tile> tiles = split(rows);
  std::size_t share = 0;
  for (const PlanRow& row : rows) share = std::max(share, scratch_bytes(row));
  const std::size_t workers = std::min(tiles.size(), static_cast<std::size_t>(threads));
  std::vector<unsigned char> scratch(share * workers);

  const RunTile run_tile = active_isa().run_tile;
  parallel_for(tiles.size(), threads, [&](std::size_t task, int worker) {
    const Tile& tile = tiles[task];
    run_tile(rows[tile.sample], source_view(sources[tile.sample]), output_view(outputs[tile.sample]),
             tile.begin, tile.end, scratch.data() + share * worker);
  });
}

}  // namespace augsynth
