// The stages of a pass as docs/design/numerics.md defines them, compiled once an ISA: isa/<name>.cpp names
// the ISA, includes its vector wrapper and then this file. All but the entry point has internal linkage,
// and nothing comes from the standard library: of an inline function that several objects share, the
// linker keeps one copy, which may be one that needs a higher ISA.
#include "border.inl"
#include "chunk.inl"
#include "fill.inl"
#include "kernel.h"
#include "noise.inl"
#include "philox.h"
#include "sample_antialiased.inl"
#include "sample_fixed.inl"
#include "sample_general.inl"
#include "sample_nearest.inl"
#include "store.inl"
#include "touch.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// One range of output lines, from sampling to storing, a chunk at a time.
struct Tile {
  const PlanRow& row;
  const SourceView& source;
  const OutputView& output;
  int begin, end;
  unsigned char* memory;

  template <typename Sampler>
  void run() const {
    Sampler sampler(row, source, lay_out(row, memory));
    const Finish finish(row, Sampler::kUnit);
    const Store store = choose_store(static_cast<DType>(row.output_dtype));
    const FillBlender blender(row, Sampler::kUnit);
    const int width = row.output_size[1];
    touch(row, source, begin, end);
    Chunk chunk;
    for (chunk.x = 0; chunk.x < width; chunk.x += kChunk) {
      chunk.count = width - chunk.x < kChunk ? width - chunk.x : kChunk;
      for (chunk.y = begin; chunk.y < end; ++chunk.y) {
        sampler.sample(chunk);
        blender.blend(chunk);
        add_noise(row, Sampler::kUnit, chunk);
        store(row, finish, output, chunk);
      }
    }
  }

  template <typename T>
  void run_general() const {
    const Interpolation interpolation = static_cast<Interpolation>(row.interpolation);
    if (interpolation == Interpolation::kNearest)
      return is_axis_aligned(row) ? run<NearestColumns<T, 0>>() : run<General<T, Nearest>>();
    if (row.antialias) return is_upright(row) ? run<UprightFilter<T>>() : run<Filter2d<T>>();
    return interpolation == Interpolation::kBilinear ? run<General<T, Bilinear>>()
                                                     : run<General<T, Bicubic>>();
  }

  void run_uint8() const {
    const bool packed = source.stride_c == 1 && source.stride_x == row.channels;
    if (packed && row.channels == 3) return run_uint8<3>();
    if (packed && row.channels == 4) return run_uint8<4>();
    run_uint8<0>();
  }

  // kChannels is 3 or 4 for interleaved images, and 0 for any others.
  template <int kChannels>
  void run_uint8() const {
    const Interpolation interpolation = static_cast<Interpolation>(row.interpolation);
    if (interpolation == Interpolation::kNearest && is_axis_aligned(row))
      return run<NearestColumns<std::uint8_t, kChannels>>();
    if (interpolation != Interpolation::kBilinear || row.antialias || !fits_fixed_point(row, source))
      return run_general<std::uint8_t>();
    if (is_axis_aligned(row)) return run<FixedPoint<kChannels, UprightLocator>>();
    run<FixedPoint<kChannels, Locator>>();
  }
};

}  // namespace

void run_tile(const PlanRow& row, const SourceView& source, const OutputView& output, int begin, int end,
              unsigned char* memory) {
  const Tile tile{row, source, output, begin, end, memory};
  switch (static_cast<DType>(row.source_dtype)) {
    case DType::kUint8:
      return tile.run_uint8();
    case DType::kUint16:
      return tile.run_general<std::uint16_t>();
    default:
      return tile.run_general<float>();
  }
}

}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
