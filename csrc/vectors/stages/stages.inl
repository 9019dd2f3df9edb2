// The stages of a pass as docs/design/numerics.md defines them, compiled once an ISA: isa/<name>.cpp names
// the ISA, includes its vector wrapper and then this file. All but the entry point has internal linkage,
// and nothing comes from the standard library: of an inline function that several objects share, the
// linker keeps one copy, which may be one that needs a higher ISA.
#include "core/philox.h"
#include "pass/sampler.h"
#include "pass/tile.h"
#include "vectors/stages/border.inl"
#include "vectors/stages/chunk.inl"
#include "vectors/stages/colour.inl"
#include "vectors/stages/copy.inl"
#include "vectors/stages/displace.inl"
#include "vectors/stages/erase.inl"
#include "vectors/stages/fill.inl"
#include "vectors/stages/lut.inl"
#include "vectors/stages/measure.inl"
#include "vectors/stages/noise.inl"
#include "vectors/stages/reduce.inl"
#include "vectors/stages/sample_bicubic.inl"
#include "vectors/stages/sample_fixed.inl"
#include "vectors/stages/sample_general.inl"
#include "vectors/stages/sample_nearest.inl"
#include "vectors/stages/sample_padded.inl"
#include "vectors/stages/sample_separable.inl"
#include "vectors/stages/sample_separable_float.inl"
#include "vectors/stages/sample_wide.inl"
#include "vectors/stages/store.inl"
#include "vectors/stages/touch.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// Part of the output, from sampling to storing, a chunk at a time.
struct Tile {
  const PlanRow& row;
  const Entries& entries;
  const SourceView& source;
  const OutputView& output;
  Box box;
  Scratch scratch;
  Poll& poll;
  bool is_source_whole = true;  // if not, only what is sampled may be read

  void run() const {
    if (moves_bytes(row, entries)) return copy_pixels(row, source, output, box);
    switch (static_cast<DType>(row.source_dtype)) {
      case DType::kUint8:
        return run_uint8();
      case DType::kUint16:
        return run_general<std::uint16_t>();
      default:
        return run_general<float>();
    }
  }

 private:
  template <typename Sampler>
  void run() const {
    constexpr double kUnit = Sampler::kUnit;
    Sampler sampler(row, source, scratch);
    const FillBlender blender(row, kUnit, kFindsPad<Sampler> && pads_with_fill(row));
    Displacer displacer(entries);
    const ColourMixer mixer(row, entries.colour, entries.offset, kUnit);
    const Eraser eraser(row, entries.erasures_begin, entries.erasures_end, kUnit);
    const Finish finish(row, kUnit, !eraser.is_active());
    const Store store = entries.measures ? add_chunk : choose_store(static_cast<DType>(row.output_dtype));
    RandomBits bits(row.stream);
    alignas(64) float values[kMaxChannels * Planes::kPlane];
    for (int x = box.x.begin; x < box.x.end; x += kChunk) {
      const int width = box.x.end - x < kChunk ? box.x.end - x : kChunk, most = lines_of_chunk(width);
      for (int y = box.y.begin; y < box.y.end; y += most) {
        const int lines = box.y.end - y < most ? box.y.end - y : most;
        Chunk chunk{y, x, width, lines, width * lines, {values}};
        sample(sampler, displacer, blender, chunk);
        if (entries.lut != nullptr) look_up(row, entries.lut, kUnit, chunk);
        mixer.mix(chunk);
        add_noise(row, kUnit, bits, chunk);
        eraser.clamp_and_erase(chunk);
        store(row, finish, output, chunk);
      }
    }
    if (output.bypasses) finish_streams();
  }

  // Line by line, where a line's last vector reaches into the next one.
  template <typename Sampler>
  void sample(Sampler& sampler, Displacer& displacer, const FillBlender& blender, Chunk& chunk) const {
    const bool takes_lines = kTakesLines<Sampler> && !blender.is_active() && !displacer.is_active();
    const int step = takes_lines ? chunk.lines : 1;
    for (int k = 0; k < chunk.lines; k += step) {
      poll();  // a line under a wide filter may be all of the source
      Chunk part = chunk.part(k, step);
      displacer.locate(part);
      sampler.sample(part);
      blender.blend(part);
    }
  }

  template <typename T>
  void run_general() const {
    is_axis_aligned(row) ? run_general<T, true>() : run_general<T, false>();
  }

  template <typename T, bool kIsAligned>
  void run_general() const {
    const bool packed = source.stride_c == sizeof(T) && source.stride_x == row.channels * source.stride_c;
    if (packed && row.channels == 3) return run_general<T, kIsAligned, 3>();
    if (packed && row.channels == 4) return run_general<T, kIsAligned, 4>();
    run_general<T, kIsAligned, 0>();
  }

  template <typename T, bool kIsAligned, int kChannels>
  void run_general() const {
    switch (choose_sampler(row, source)) {
      case SamplingKind::kNearest:
        return run<General<T, Nearest, Nearest, kIsAligned, kChannels>>();
      case SamplingKind::kBilinear:
        return run_interpolated<T, Bilinear, kIsAligned, kChannels>();
      case SamplingKind::kFloatFilter:
        if constexpr (sizeof(T) > 1) return run<SeparableFloat<T, kChannels>>();
        break;  // uint8 is filtered in fixed point then
      case SamplingKind::kWideFilter:
        return run<WideFilter<T>>();
      default:
        return run_interpolated<T, Bicubic, kIsAligned, kChannels>();
    }
  }

  template <typename T, typename Kernel, bool kIsAligned, int kChannels>
  void run_interpolated() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      if (meets_centres(row, 0)) return run<General<T, Nearest, Kernel, kIsAligned, kChannels>>();
      if (meets_centres(row, 1)) return run<General<T, Kernel, Nearest, kIsAligned, kChannels>>();
    }
    run<General<T, Kernel, Kernel, kIsAligned, kChannels>>();
  }

  void run_uint8() const {
    const SamplingKind sampler = choose_sampler(row, source);
    if (sampler == SamplingKind::kFixedBilinear && is_source_whole && is_worth_padding(row))
      return run_padded();
    if (!has_packed_bytes(row, source)) return run_uint8<0>(sampler);
    row.channels == 3 ? run_uint8<3>(sampler) : run_uint8<4>(sampler);
  }

  // kChannels is 3 or 4 for interleaved images, and 0 for any others.
  template <int kChannels>
  void run_uint8(SamplingKind sampler) const {
    if constexpr (kChannels != 0) {
      if (sampler == SamplingKind::kNearest && is_axis_aligned(row)) return run<PackedNearest<kChannels>>();
      if (sampler == SamplingKind::kFixedBicubic) return run<PackedBicubic<kChannels>>();
    }
    if (sampler == SamplingKind::kFixedFilter) return run<SeparableFixed<kChannels>>();
    if (sampler != SamplingKind::kFixedBilinear) return run_general<std::uint8_t>();
    if (is_axis_aligned(row)) return run<FixedPoint<kChannels, UprightLocator>>();
    run<FixedPoint<kChannels, Locator>>();
  }

  void run_padded() const {
    if (row.channels == 3) return run<PaddedFixedPoint<3>>();
    if (row.channels == 4) return run<PaddedFixedPoint<4>>();
    run<PaddedFixedPoint<0>>();
  }
};

// A map that turns the picture: the source is made smaller first, and that is warped.
void run_reduced(const PlanRow& row, const Entries& entries, const SourceView& source,
                 const OutputView& output, const Box& box, Scratch scratch, Poll& poll) {
  const PlanRow reduction = reduction_of(row), warp = warp_of(row);
  const ReducedMemory reduced = lay_out_reduced(warp, box.y.begin, box.y.end, scratch);
  if (!reduce_packed(reduction, source, reduced, scratch, poll))
    Tile{reduction, Entries{}, source, reduced.output(), reduced.box, scratch, poll}.run();
  Displacement room;
  const Entries warped = warp_of(entries, row, room);
  Tile{warp, warped, reduced.source(), output, box, scratch, poll, false}.run();
}

}  // namespace

std::size_t scratch_bytes(const PlanRow& row, int begin, int end) {
  return bytes_for_vectors(row, begin, end);
}

void run_tile(const PlanRow& row, const Entries& entries, const SourceView& source, const OutputView& output,
              int begin, int end, unsigned char* memory, Poll& poll) {
  const Box box{{0, row.output_size[1]}, {begin, end}};
  const Scratch scratch(memory);
  if (!is_worth_padding(row)) touch(row, source, begin, end);  // a copy reads lines in their order
  if (is_reduced(row)) return run_reduced(row, entries, source, output, box, scratch, poll);
  if (is_smoothed(row) && swaps_axes(row))
    return Tile{with_axes_swapped(row), entries, with_axes_swapped(source), output, box, scratch, poll}.run();
  Tile{row, entries, source, output, box, scratch, poll}.run();
}

}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
