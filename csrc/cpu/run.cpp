#include "cpu/run.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <new>

#include "core/errors.h"
#include "core/threads.h"
#include "dispatch/dispatch.h"
#include "pass/antialias.h"
#include "pass/colour.h"
#include "pass/neutral.h"
#include "pass/views.h"
#include "validation/validate.h"
#include "whole_image/missing.h"

namespace augsynth {

AUGSYNTH_BY_ISA(ScratchBytes, scratch_bytes)
AUGSYNTH_BY_ISA(RunTile, run_tile)

namespace {

constexpr std::int64_t kTilePixels = 1 << 14;
constexpr std::int64_t kMostCached = 32 << 20;  // bytes of a call's outputs
constexpr int kMaxThreads = 1024;
constexpr std::size_t kMostScratch = std::size_t{1} << 32;  // bytes a worker

// Output lines [begin, end) of one sample.
struct Tile {
  std::size_t sample;
  int begin, end;
};

// A tile of an antialiased row finds its columns' taps, and may make its source smaller, for itself. So there
// are only as many as keep the threads busy.
std::int64_t tiles_of(const PlanRow& row, std::size_t samples, int threads) {
  if (is_smoothed(row)) return (threads + samples - 1) / samples;
  const std::int64_t pixels = std::int64_t{row.output_size[0]} * row.output_size[1];
  return std::max<std::int64_t>(1, (pixels + kTilePixels / 2) / kTilePixels);
}

// Tiles of nearly the same height: a short last one would cost nearly as much to set up as the others.
int lines_of_tile(int height, std::int64_t tiles) { return static_cast<int>((height + tiles - 1) / tiles); }

std::vector<Tile> split(const std::vector<PlanRow>& rows, int threads) {
  std::vector<Tile> tiles;
  for (std::size_t sample = 0; sample < rows.size(); ++sample) {
    const int height = rows[sample].output_size[0];
    const int lines = lines_of_tile(height, tiles_of(rows[sample], rows.size(), threads));
    for (int begin = 0; begin < height; begin += lines)
      tiles.push_back({sample, begin, std::min(begin + lines, height)});
  }
  return tiles;
}

// Working memory, a part for each worker.
class Workspace {
 public:
  Workspace(const std::vector<PlanRow>& rows, const std::vector<Tile>& tiles, std::size_t workers,
            ScratchBytes& bytes_of) {
    for (const Tile& tile : tiles) {
      const std::size_t bytes = bytes_of(rows[tile.sample], tile.begin, tile.end);
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

bool lines_fill_cache_lines(const Image& image) {
  const auto is_aligned = [](std::int64_t bytes) { return bytes % kCacheLine == 0; };
  return image.dtype == DType::kFloat32 && is_planar(image) && is_aligned(image.stride[0]) &&
         is_aligned(image.stride[1]) && reinterpret_cast<std::uintptr_t>(image.data) % kCacheLine == 0;
}

// Whether these outputs are more than caches hold: whoever reads them reads memory.
bool exceed_caches(const std::vector<Image>& outputs) {
  std::int64_t bytes = 0;
  for (const Image& output : outputs)
    bytes += output.shape[0] * output.shape[1] * output.shape[2] * item_size(output.dtype);
  return bytes > kMostCached;
}

// What the rows' indices point to.
Entries entries_of(const PlanRow& row, const Tables& tables) {
  Entries entries;
  if (row.lut >= 0) entries.lut = tables.lut(row.lut);
  if (row.colour >= 0) {
    entries.colour = &tables.colours[row.colour];
    entries.offset = entries.colour->offset;
  }
  entries.erasures_begin = tables.erasures.data() + row.erasures[0];
  entries.erasures_end = tables.erasures.data() + row.erasures[1];
  if (row.displacement >= 0) {
    entries.displacement = &tables.displacements[row.displacement];
    entries.offsets = tables.offsets.data() + entries.displacement->first;
  }
  return entries;
}

// The row that samples the same picture and changes none of its values.
PlanRow measuring(const PlanRow& row) {
  PlanRow plain = row;
  plain.noise = static_cast<std::uint8_t>(Noise::kNone);
  std::fill(plain.gain, plain.gain + kMaxChannels, 1.0);
  return plain;
}

// What a colour map adds to each channel, from the sums of the picture's lines.
std::vector<double> find_offset(const PlanRow& row, const ColourMap& map, const std::vector<double>& sums) {
  const double pixels = static_cast<double>(row.output_size[0]) * row.output_size[1];
  std::vector<double> total(row.channels, 0.0), offset(row.channels);
  for (std::size_t i = 0; i < sums.size(); ++i) total[i % row.channels] += sums[i];
  for (int c = 0; c < row.channels; ++c) offset[c] = offset_of(map, c, row.channels, total.data(), pixels);
  return offset;
}

// One call.
class PassRun {
 public:
  PassRun(const std::vector<PlanRow>& rows, const Tables& tables, const FilledSources& sources,
          const std::vector<Image>& outputs, int threads, Check check)
      : rows_(rows),
        tables_(tables),
        sources_(sources),
        outputs_(outputs),
        threads_(threads),
        check_(check),
        tiles_(split(rows, threads)),
        workspace_(rows, tiles_, std::min(tiles_.size(), static_cast<std::size_t>(threads)),
                   *scratch_bytes[isa_]) {}

  void run() {
    if (!tables_.colours.empty()) measure();
    over(tiles_, [&](const Tile& tile, unsigned char* memory, Poll& poll) {
      Entries entries = entries_of(rows_[tile.sample], tables_);
      if (!offsets_.empty() && !offsets_[tile.sample].empty()) entries.offset = offsets_[tile.sample].data();
      run_tile[isa_](rows_[tile.sample], entries, source_view(sources_[tile.sample]), output_of(tile),
                     tile.begin, tile.end, memory, poll);
    });
  }

 private:
  template <typename Body>
  void over(const std::vector<Tile>& tiles, const Body& body) const {
    parallel_for(tiles.size(), threads_, check_, [&](std::size_t task, int worker, Poll& poll) {
      body(tiles[task], workspace_.of(worker), poll);
    });
  }

  OutputView output_of(const Tile& tile) const {
    OutputView output = output_view(outputs_[tile.sample]);
    output.bypasses = exceeds_caches_ && lines_fill_cache_lines(outputs_[tile.sample]);
    return output;
  }

  // Finds the offsets of the rows whose colour maps look at means.
  void measure() {
    std::vector<std::vector<double>> sums(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (looks_at_means(rows_[i], tables_))
        sums[i].resize(static_cast<std::size_t>(rows_[i].output_size[0]) * rows_[i].channels);
    std::vector<Tile> tiles;
    std::copy_if(tiles_.begin(), tiles_.end(), std::back_inserter(tiles),
                 [&](const Tile& tile) { return !sums[tile.sample].empty(); });
    over(tiles, [&](const Tile& tile, unsigned char* memory, Poll& poll) {
      add_lines(tile, sums[tile.sample], memory, poll);
    });
    offsets_.resize(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (!sums[i].empty()) offsets_[i] = find_offset(rows_[i], tables_.colours[rows_[i].colour], sums[i]);
  }

  void add_lines(const Tile& tile, std::vector<double>& sums, unsigned char* memory, Poll& poll) const {
    const PlanRow row = measuring(rows_[tile.sample]);
    Entries entries = entries_of(row, tables_);
    entries.colour = nullptr;
    entries.erasures_begin = entries.erasures_end = nullptr;
    entries.measures = true;
    const std::ptrdiff_t line = row.channels * sizeof(double);
    run_tile[isa_](row, entries, source_view(sources_[tile.sample]),
                   {reinterpret_cast<unsigned char*>(sums.data()), 0, line, 0}, tile.begin, tile.end, memory,
                   poll);
  }

  const std::vector<PlanRow>& rows_;
  const Tables& tables_;
  const FilledSources& sources_;
  const std::vector<Image>& outputs_;
  const int threads_;
  const Check check_;
  const bool exceeds_caches_ = exceed_caches(outputs_);
  const std::size_t isa_ = active_isa().number;
  const std::vector<Tile> tiles_;
  const Workspace workspace_;
  std::vector<std::vector<double>> offsets_;  // a row; empty where its colour map has them
};

}  // namespace

void run(std::vector<PlanRow> rows, Tables tables, const std::vector<Image>& sources,
         const std::vector<Image>& outputs, int threads, Check check) {
  if (threads < 1 || threads > kMaxThreads)
    throw ArgumentError("threads is " + std::to_string(threads) + ", expected 1 to " +
                        std::to_string(kMaxThreads));
  validate_rows(rows);
  validate_tables(rows, tables);
  validate_images(rows, sources, outputs);
  neutralise(rows, tables);
  const FilledSources filled(rows, tables.missing, sources, threads, check);
  PassRun(rows, tables, filled, outputs, threads, check).run();
}

}  // namespace augsynth
