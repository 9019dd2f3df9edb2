// The arithmetic of single pixels that GPUs run, on the CPU and pixel by pixel: slow, and for tests.
#define AUGSYNTH_ISA_NAME scalar
#include "vectors/simd/scalar.h"

#include "pixel/means.h"
#include "pixel/prepare.h"
#include "pixel/render.h"
#include "whole_image/functions.inl"

namespace augsynth {
namespace scalar {
namespace {

template <int kMost>
void render_line(const Job<kMost>& job, const Range& columns, int y) {
  for (int x = columns.begin; x < columns.end; ++x) {
    float value[kMost];
    render(job, x, y, value);
    store(job, x, y, value);
  }
}

// In the place of storing: the output is one double a channel.
template <int kMost>
void measure_line(const Job<kMost>& job, const Range& columns, int y) {
  auto* line = reinterpret_cast<double*>(job.output.data + y * job.output.stride_y);
  for (int c = 0; c < job.channels; ++c) line[c] = 0.0;
  for (int x = columns.begin; x < columns.end; x += kChunk) {
    double sums[kAdders][kMost];
    for (int k = 0; k < kAdders; ++k) add_columns(job, x, y, k, columns.end, sums[k]);
    add_chunk(job, sums, line);
  }
}

template <int kMost>
void render_box(const PlanRow& row, const Entries& entries, const SourceView& source,
                const OutputView& output, const Box& box, Scratch scratch, Poll& poll) {
  const Job<kMost> job = prepare<kMost>(row, entries, source, output, box, scratch);
  if (is_filter(job.sampler)) {
    for (int x = box.x.begin; x < box.x.end; ++x) weigh_column(job, x);
    for (int y = box.y.begin; y < box.y.end; ++y) weigh_line(job, y);
  }
  for (int y = box.y.begin; y < box.y.end; ++y) {
    poll();
    entries.measures ? measure_line(job, box.x, y) : render_line(job, box.x, y);
  }
}

template <int kMost>
void render_tile(const PlanRow& row, const Entries& entries, const SourceView& source,
                 const OutputView& output, const Box& box, Scratch scratch, Poll& poll) {
  if (!is_reduced(row)) return render_box<kMost>(row, entries, source, output, box, scratch, poll);
  const PlanRow warp = warp_of(row);
  const ReducedMemory reduced = lay_out_reduced(warp, box.y.begin, box.y.end, scratch);
  render_box<kMost>(reduction_of(row), Entries{}, source, reduced.output(), reduced.box, scratch, poll);
  Displacement room;
  render_box<kMost>(warp, warp_of(entries, row, room), reduced.source(), output, box, scratch, poll);
}

Box box_of(const PlanRow& row, int begin, int end) { return {{0, row.output_size[1]}, {begin, end}}; }

}  // namespace

std::size_t scratch_bytes(const PlanRow& row, int begin, int end) {
  Scratch scratch(nullptr);
  if (is_reduced(row)) {
    const ReducedMemory reduced = lay_out_reduced(warp_of(row), begin, end, scratch);
    lay_out_tables(reduction_of(row), reduced.box, scratch);
  } else {
    lay_out_tables(row, box_of(row, begin, end), scratch);
  }
  return scratch.used();
}

void run_tile(const PlanRow& row, const Entries& entries, const SourceView& source, const OutputView& output,
              int begin, int end, unsigned char* memory, Poll& poll) {
  const Box box = box_of(row, begin, end);
  const Scratch scratch(memory);
  switch (row.channels) {
    case 1:
      return render_tile<1>(row, entries, source, output, box, scratch, poll);
    case 3:
      return render_tile<3>(row, entries, source, output, box, scratch, poll);
    case 4:
      return render_tile<4>(row, entries, source, output, box, scratch, poll);
    default:
      return render_tile<kMaxChannels>(row, entries, source, output, box, scratch, poll);
  }
}

}  // namespace scalar
}  // namespace augsynth
