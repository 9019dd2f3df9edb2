#include "run.h"

#include <algorithm>
#include <memory>
#include <new>

#include "dispatch.h"
#include "errors.h"
#include "stages/antialias.h"
#include "threads.h"
#include "validate.h"

namespace augsynth {
namespace {

constexpr std::int64_t kTilePixels = 1 << 14;
constexpr int kMaxThreads = 1024;
constexpr std::size_t kMostScratch = std::size_t{1} << 32;  // bytes a worker

// Output lines [begin, end) of one sample.
struct Tile {
  std::size_t sample;
  int begin, end;
};

// A tile of an antialiased row finds its columns' taps, and may make its source smaller, for itself. So there
// are only as many as keep the threads busy.
int lines_of_tile(const PlanRow& row, std::size_t samples, int threads) {
  if (is_smoothed(row)) {
    const int tiles = static_cast<int>((threads + samples - 1) / samples);
    return (row.output_size[0] + tiles - 1) / tiles;
  }
  return static_cast<int>(std::max<std::int64_t>(1, kTilePixels / row.output_size[1]));
}

std::vector<Tile> split(const std::vector<PlanRow>& rows, int threads) {
  std::vector<Tile> tiles;
  for (std::size_t sample = 0; sample < rows.size(); ++sample) {
    const int height = rows[sample].output_size[0];
    const int lines = lines_of_tile(rows[sample], rows.size(), threads);
    for (int begin = 0; begin < height; begin += lines)
      tiles.push_back({sample, begin, std::min(begin + lines, height)});
  }
  return tiles;
}

// Working memory, a part for each worker.
class Workspace {
 public:
  Workspace(const std::vector<PlanRow>& rows, const std::vector<Tile>& tiles, std::size_t workers) {
    for (const Tile& tile : tiles) {
      const std::size_t bytes = scratch_bytes(rows[tile.sample], tile.begin, tile.end);
      if (bytes > kMostScratch)
        throw PlanError("row " + std::to_string(tile.sample) + ": antialiasing would need " +
                        std::to_string(bytes >> 20) + " MiB of working memory, expected at most " +
                        std::to_string(kMostScratch >> 20) + "; the support is too small for the map");
      share_ = std::max(share_, bytes);
    }
    memory_.reset(static_cast<unsigned char*>(::operator new(share_ * workers, kAlignment)));
  }

  unsigned char* of(int worker) const { return memory_.get() + share_ * worker; }

 private:
  static constexpr std::align_val_t kAlignment{Scratch::kAlignment};
  struct Release {
    void operator()(unsigned char* memory) const { ::operator delete(memory, kAlignment); }
  };

  std::size_t share_ = 0;
  std::unique_ptr<unsigned char, Release> memory_;
};

SourceView source_view(const Image& image) {
  return {image.data, image.stride[0], image.stride[1], image.stride[2]};
}

// The stride along an axis of one pixel says nothing, so strides that the layout implies are not taken from
// it.
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

  const std::vector<Tile> tiles = split(rows, threads);
  const Workspace workspace(rows, tiles, std::min(tiles.size(), static_cast<std::size_t>(threads)));

  const RunTile run_tile = active_isa().run_tile;
  parallel_for(tiles.size(), threads, [&](std::size_t task, int worker) {
    const Tile& tile = tiles[task];
    run_tile(rows[tile.sample], source_view(sources[tile.sample]), output_view(outputs[tile.sample]),
             tile.begin, tile.end, workspace.of(worker));
  });
}

}  // namespace augsynth
