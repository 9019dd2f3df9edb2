// The arithmetic of single pixels that GPUs run, on the CPU and pixel by pixel: slow, and for tests.
#include <vector>

#include "pixel/means.h"
#include "pixel/prepare.h"
#include "pixel/render.h"

namespace augsynth {
namespace scalar {
namespace {

// Working memory that a layout asks for.
class Memory {
 public:
  // Calls `lay_out` twice: over nothing, to count, and over the memory.
  template <typename LayOut>
  auto of(const LayOut& lay_out) {
    Scratch counted(nullptr);
    lay_out(counted);
    bytes_.resize(counted.used() + Scratch::kAlignment);
    const auto start = reinterpret_cast<std::uintptr_t>(bytes_.data());
    Scratch scratch(bytes_.data() + (Scratch::kAlignment - start % Scratch::kAlignment));
    return lay_out(scratch);
  }

 private:
  std::vector<unsigned char> bytes_;
};

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
                const OutputView& output, const Box& box) {
  Memory memory;
  const auto job = memory.of(
      [&](Scratch& scratch) { return prepare<kMost>(row, entries, source, output, box, scratch); });
  if (is_filter(job.sampler)) {
    for (int x = box.x.begin; x < box.x.end; ++x) weigh_column(job, x);
    for (int y = box.y.begin; y < box.y.end; ++y) weigh_line(job, y);
  }
  for (int y = box.y.begin; y < box.y.end; ++y)
    entries.measures ? measure_line(job, box.x, y) : render_line(job, box.x, y);
}

template <int kMost>
void render_tile(const PlanRow& row, const Entries& entries, const SourceView& source,
                 const OutputView& output, const Box& box) {
  if (!is_reduced(row)) return render_box<kMost>(row, entries, source, output, box);
  const PlanRow warp = warp_of(row);
  Memory memory;
  const ReducedMemory reduced = memory.of(
      [&](Scratch& scratch) { return lay_out_reduced(warp, box.y.begin, box.y.end, scratch); });
  render_box<kMost>(reduction_of(row), Entries{}, source, reduced.output(), reduced.box);
  render_box<kMost>(warp, entries, reduced.source(), output, box);
}

}  // namespace

void run_tile(const PlanRow& row, const Entries& entries, const SourceView& source, const OutputView& output,
              int begin, int end, unsigned char*) {
  const Box box{{0, row.output_size[1]}, {begin, end}};
  switch (row.channels) {
    case 1:
      return render_tile<1>(row, entries, source, output, box);
    case 3:
      return render_tile<3>(row, entries, source, output, box);
    case 4:
      return render_tile<4>(row, entries, source, output, box);
    default:
      return render_tile<kMaxChannels>(row, entries, source, output, box);
  }
}

void convolve(const float* values, std::ptrdiff_t step, const float* kernel, int middle, std::ptrdiff_t count,
              float* sums) {
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    float sum = values[i + middle * step] * kernel[middle];
    for (int t = 0; t < middle; ++t)
      sum += (values[i + t * step] + values[i + (2 * middle - t) * step]) * kernel[t];
    sums[i] = sum;
  }
}

}  // namespace scalar
}  // namespace augsynth
