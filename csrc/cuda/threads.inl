// What each thread of a step does. Compiled for the device by nvcc, and for the host, where it runs in the
// tests.
#pragma once

#include "cuda/launch_steps.h"
#include "cuda/pack.inl"
#include "cuda/task.h"
#include "pixel/means.h"
#include "pixel/render.h"
#include "pixel/taps.h"

namespace augsynth {
namespace {

// ---- Which sample -----------------------------------------------------------------------------------------

// A block's sample, and its number among the sample's blocks.
struct BlockPlace {
  std::int32_t sample, block;
};

AUGSYNTH_HD inline BlockPlace place_of(const Share& share, std::int32_t block) {
  if (share.ends == nullptr) return {block / share.each, block % share.each};
  std::int32_t low = 0, high = share.samples - 1;
  while (low < high) {
    const std::int32_t middle = (low + high) / 2;
    if (block < share.ends[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return {low, low == 0 ? block : block - share.ends[low - 1]};
}

// ---- Missing values ---------------------------------------------------------------------------------------

template <typename T>
AUGSYNTH_HD const FillTask<T>& fill_task(const LaunchStep& step, std::int32_t sample) {
  return static_cast<const FillTask<T>*>(step.tasks)[step.share.tasks[sample]];
}

template <typename T>
AUGSYNTH_HD T source_element(const FillTask<T>& task, std::int64_t x, std::int64_t y, int c) {
  const SourceView& source = task.source;
  return load_element<T>(source.data + y * source.stride_y + x * source.stride_x + c * source.stride_c);
}

// A line's channel.
template <typename T>
struct AddPresent {
  AUGSYNTH_HD static void run(const LaunchStep& step, std::int32_t sample, std::int64_t item) {
    const FillTask<T>& task = fill_task<T>(step, sample);
    const std::int64_t y = item / task.channels;
    if (y >= task.height) return;
    double sum = 0.0;
    std::int64_t count = 0;
    for (std::int64_t x = 0; x < task.width; ++x) {
      const T value = source_element(task, x, y, static_cast<int>(item % task.channels));
      const bool missing = task.is_missing(value);
      sum += missing ? 0.0 : static_cast<double>(value);
      count += !missing;
    }
    task.sums[item] = sum;
    task.counts[item] = count;
  }
};

// A channel.
template <typename T>
struct TakeMeans {
  AUGSYNTH_HD static void run(const LaunchStep& step, std::int32_t sample, std::int64_t item) {
    const FillTask<T>& task = fill_task<T>(step, sample);
    if (item >= task.channels) return;
    double sum = 0.0;
    std::int64_t count = 0;
    for (std::int64_t y = 0; y < task.height; ++y) {
      sum += task.sums[y * task.channels + item];
      count += task.counts[y * task.channels + item];
    }
    task.means[item] = count > 0 ? sum / static_cast<double>(count) : task.rule->low[item];
  }
};

// An element.
template <typename T>
struct Fill {
  AUGSYNTH_HD static void run(const LaunchStep& step, std::int32_t sample, std::int64_t item) {
    const FillTask<T>& task = fill_task<T>(step, sample);
    const std::int64_t pixel = item / task.channels, y = pixel / task.width, x = pixel - y * task.width;
    if (y >= task.height) return;
    const int c = static_cast<int>(item - pixel * task.channels);
    task.copy[item] = filled(task.is_missing, *task.rule, task.means, source_element(task, x, y, c),
                             static_cast<int>(x), static_cast<int>(y), c);
  }
};

// ---- Tables of filters ------------------------------------------------------------------------------------

template <int kMost>
AUGSYNTH_HD Task<kMost>& task_of(const LaunchStep& step, std::int32_t sample) {
  return static_cast<Task<kMost>*>(step.tasks)[step.share.tasks[sample]];
}

// A column or a line.
template <typename Kind>
struct WeighTaps {
  AUGSYNTH_HD static void run(const LaunchStep& step, std::int32_t sample, std::int64_t item) {
    const auto& task = task_of<Kind::kMost>(step, sample);
    if (item < task.width)
      weigh_column(task.job, task.left + static_cast<int>(item));
    else if (item < std::int64_t{task.width} + task.height)
      weigh_line(task.job, task.top + static_cast<int>(item - task.width));
  }
};

// ---- Means ------------------------------------------------------------------------------------------------

AUGSYNTH_HD inline const Measure& measure_of(const LaunchStep& step, std::int32_t sample) {
  return static_cast<const Measure*>(step.measures)[sample];
}

// An adder of a chunk.
template <typename Kind>
struct AddColumns {
  static constexpr int kMost = Kind::kMost;

  AUGSYNTH_HD static void run(const LaunchStep& step, std::int32_t sample, std::int64_t item) {
    const Task<kMost>& task = task_of<kMost>(step, sample);
    const Measure& measure = measure_of(step, sample);
    const std::int64_t place = item / kAdders, y = place / measure.chunks;
    if (y >= task.height) return;
    const int chunk = static_cast<int>(place - y * measure.chunks), k = static_cast<int>(item % kAdders);
    double sum[kMost];
    add_columns(task.job, chunk * kChunk, static_cast<int>(y), k, task.width, sum);
    double* to = measure.parts + item * channels_of(task.job);
    for (int c = 0; c < channels_of(task.job); ++c) to[c] = sum[c];
  }
};

// A line.
template <typename Kind>
struct AddChunks {
  static constexpr int kMost = Kind::kMost;

  AUGSYNTH_HD static void run(const LaunchStep& step, std::int32_t sample, std::int64_t y) {
    const Task<kMost>& task = task_of<kMost>(step, sample);
    const Measure& measure = measure_of(step, sample);
    if (y >= task.height) return;
    const int channels = channels_of(task.job);
    double* line = measure.lines + y * channels;
    for (int c = 0; c < channels; ++c) line[c] = 0.0;
    const double* part = measure.parts + y * measure.chunks * kAdders * channels;
    for (int chunk = 0; chunk < measure.chunks; ++chunk) {
      double sums[kAdders][kMost];
      for (int k = 0; k < kAdders; ++k)
        for (int c = 0; c < channels; ++c) sums[k][c] = *part++;
      add_chunk(task.job, sums, line);
    }
  }
};

// A picture, whose job gets what its colour map adds to each channel.
template <typename Kind>
struct AddLines {
  static constexpr int kMost = Kind::kMost;

  AUGSYNTH_HD static void run(const LaunchStep& step, std::int32_t sample, std::int64_t item) {
    if (item > 0) return;
    Task<kMost>& task = task_of<kMost>(step, sample);
    const Measure& measure = measure_of(step, sample);
    const int channels = channels_of(task.job);
    double mean[kMost];
    for (int c = 0; c < channels; ++c) mean[c] = 0.0;
    const double* line = measure.lines;
    for (int y = 0; y < task.height; ++y)
      for (int c = 0; c < channels; ++c) mean[c] += *line++;
    const double pixels = static_cast<double>(task.height) * task.width;
    for (int c = 0; c < channels; ++c)
      task.job.mix_offset[c] =
          static_cast<float>(offset_of(*measure.map, c, channels, mean, pixels) * task.job.unit);
  }
};

// ---- Pixels -----------------------------------------------------------------------------------------------

// The random bits of pixels side by side, which share blocks.
template <int kMost>
class SharedBits {
 public:
  AUGSYNTH_HD void draw(const Job<kMost>& job, int x, int y, std::uint32_t (&bits)[kMost]) {
    const int halves = pixel_halves(job.noise.kind);
    if (halves == 0) return;
    const int channels = job.noise.kind == Noise::kSaltAndPepper ? 1 : channels_of(job);
    const int place = x * halves / kBlockHalves;
    if (place != place_ || y != y_)
      for (int c = 0; c < channels; ++c) block_[c] = block_at(job.noise.stream, place, y, c);
    place_ = place;
    y_ = y;
    for (int c = 0; c < channels; ++c) bits[c] = bits_of_pixel(block_[c], x, halves);
  }

 private:
  int place_ = -1, y_ = -1;
  PhiloxBlock block_[kMost];
};

// The elements of a run of pixels on their way into memory, in packs where the output allows it.
template <int kMost>
class Writer {
 public:
  AUGSYNTH_HD Writer(const Task<kMost>& task, int x, int y, int size, bool is_full)
      : output_(task.job.output),
        dtype_(task.job.output_dtype),
        size_(size),
        to_(element_at(x, y, 0)),
        order_(is_full && is_packed(task.order) ? task.order : Order::kOther) {}

  // The channels of a pixel, run's order.
  AUGSYNTH_HD void write(int x, int y, const float (&value)[kMost], int channels) {
    for (int c = 0; c < channels; ++c) {
      const std::uint32_t bits = bits_as(dtype_, value[c]);
      if (order_ == Order::kPlanes)
        packs_[c].push(bits, size_);
      else if (order_ == Order::kPixels)
        push_on(bits);
      else
        write_bits(element_at(x, y, c), bits);
    }
  }

  AUGSYNTH_HD void finish() const {
    if (order_ != Order::kPlanes) return;
    for (int c = 0; c < kPacks; ++c) packs_[c].write(to_ + c * output_.stride_c);
  }

 private:
  static constexpr int kPacks = kMost < kMaxChannels ? kMost : 1;  // more would not fit into registers

  AUGSYNTH_HD unsigned char* element_at(int x, int y, int c) const {
    return output_.data + c * output_.stride_c + y * output_.stride_y + x * output_.stride_x;
  }

  AUGSYNTH_HD bool is_packed(Order order) const {
    const auto address = reinterpret_cast<std::uintptr_t>(to_);
    if (order == Order::kPixels) return address % kPackBytes == 0;
    return kMost < kMaxChannels &&
           (address | static_cast<std::uintptr_t>(output_.stride_c)) % kPackBytes == 0;
  }

  AUGSYNTH_HD void push_on(std::uint32_t bits) {
    packs_[0].push(bits, size_);
    pushed_ += size_;
    if (pushed_ < kPackBytes) return;
    packs_[0].write(to_);
    to_ += kPackBytes;
    pushed_ = 0;
  }

  AUGSYNTH_HD void write_bits(unsigned char* to, std::uint32_t bits) const {
    if (size_ == 4)
      *reinterpret_cast<std::uint32_t*>(to) = bits;
    else if (size_ == 2)
      *reinterpret_cast<std::uint16_t*>(to) = static_cast<std::uint16_t>(bits);
    else
      *to = static_cast<unsigned char>(bits);
  }

  const OutputView& output_;
  const DType dtype_;
  const int size_;  // of an element, in bytes
  unsigned char* to_;
  const Order order_;
  int pushed_ = 0;
  Pack packs_[kPacks];
};

// A pixel that is only moved. With nearest sampling, what lies outside is either filled or mapped into the
// source.
template <int kMost>
AUGSYNTH_HD void move_pixel(const Task<kMost>& task, int x, int y, float (&value)[kMost]) {
  const Job<kMost>& job = task.job;
  const int sx = task.across.of(x), sy = task.down.of(y);
  const bool is_outside = sx < 0 || sy < 0 || sx >= job.x.size || sy >= job.y.size;
  if (is_outside && job.is_blended) {
    for (int c = 0; c < channels_of(job); ++c) value[c] = job.fill[c];
    return;
  }
  const unsigned char* from =
      job.source + inside(job.y, sy) * job.y.stride + inside(job.x, sx) * job.x.stride;
  for (int c = 0; c < channels_of(job); ++c) value[c] = static_cast<float>(from[c * job.source_stride_c]);
}

// render_plain() of quick tasks.
template <int kMost>
AUGSYNTH_HD void render_quick(const Task<kMost>& task, int x, int y, float (&value)[kMost]) {
  const Job<kMost>& job = task.job;
  if (task.moves) {
    move_pixel(task, x, y, value);
  } else {
    if (job.sampler == SamplingKind::kNearest)
      sample_taps<std::uint8_t, Nearest>(job, x, y, value);
    else if (job.sampler == SamplingKind::kFixedBilinear)
      sample_fixed_bilinear(job, x, y, value);
    else
      sample_filter<std::uint8_t, FixedSums>(job, x, y, value);
    if (job.is_blended) blend_fill(job, x, y, value);
  }
  if (job.lut != nullptr) look_up(job, value);
}

// Tells the compiler what quick tasks do not have.
template <typename Kind>
AUGSYNTH_HD void assume_quick(const Job<Kind::kMost>& job) {
  if constexpr (Kind::kQuick) {
    const Noise noise = job.noise.kind;
    if (job.is_displaced || noise == Noise::kExactGaussian || noise == Noise::kSaltAndPepper ||
        noise == Noise::kPoisson)
      __builtin_unreachable();
  }
}

// A run of pixels, counted on from line to line: as many as fill a pack with one channel.
template <typename Kind>
struct RenderPixels {
  static constexpr int kMost = Kind::kMost;

  AUGSYNTH_HD static void run(const LaunchStep& step, std::int32_t sample, std::int64_t item) {
    const Task<kMost>& task = task_of<kMost>(step, sample);
    const Job<kMost>& job = task.job;
    const int size = static_cast<int>(item_size(job.output_dtype)), most = kPackBytes / size;
    const std::int64_t pixels = std::int64_t{task.width} * task.height, first = item * most;
    if (first >= pixels) return;
    const int count = first + most <= pixels ? most : static_cast<int>(pixels - first);
    const std::int64_t line = line_of(first, task.width);
    int x = task.left + static_cast<int>(first - line * task.width), y = task.top + static_cast<int>(line);
    Writer<kMost> writer(task, x, y, size, count == most);
    SharedBits<kMost> shared;
    for (int i = 0; i < count; ++i) {
      float value[kMost];
      render(task, shared, x, y, value);
      writer.write(x, y, value, channels_of(job));
      if (++x == task.left + task.width) {
        x = task.left;
        ++y;
      }
    }
    writer.finish();
  }

 private:
  // A device divides 64 bits slowly.
  AUGSYNTH_HD static std::int64_t line_of(std::int64_t pixel, std::int32_t width) {
    if (pixel <= INT32_MAX) return static_cast<std::int32_t>(pixel) / width;
    return pixel / width;
  }

  AUGSYNTH_HD static void render(const Task<kMost>& task, SharedBits<kMost>& shared, int x, int y,
                                 float (&value)[kMost]) {
    std::uint32_t bits[kMost] = {};
    assume_quick<Kind>(task.job);
    shared.draw(task.job, x, y, bits);
    if constexpr (Kind::kQuick)
      render_quick(task, x, y, value);
    else
      render_plain(task.job, x, y, value);
    assume_quick<Kind>(task.job);
    change(task.job, x, y, bits, value);
  }
};

// ---- Steps ------------------------------------------------------------------------------------------------

// Of tasks that are not quick.
template <template <typename> class Work, typename Body>
void with_any_kind(const LaunchStep& step, const Body& body) {
  if (step.kind_of_tasks == Kind<3, false>::kNumber) return body(Work<Kind<3, false>>());
  body(Work<Kind<kMaxChannels, false>>());
}

template <template <typename> class Work, typename Body>
void with_kind(const LaunchStep& step, const Body& body) {
  switch (step.kind_of_tasks) {
    case Kind<1, true>::kNumber:
      return body(Work<Kind<1, true>>());
    case Kind<3, true>::kNumber:
      return body(Work<Kind<3, true>>());
    case Kind<4, true>::kNumber:
      return body(Work<Kind<4, true>>());
    default:
      return with_any_kind<Work>(step, body);
  }
}

template <template <typename> class Work, typename Body>
void with_elements(const LaunchStep& step, const Body& body) {
  switch (static_cast<DType>(step.kind_of_tasks)) {
    case DType::kUint8:
      return body(Work<std::uint8_t>());
    case DType::kUint16:
      return body(Work<std::uint16_t>());
    default:
      return body(Work<float>());
  }
}

// Calls `body` with what the threads of a step do.
template <typename Body>
void with_part(const LaunchStep& step, const Body& body) {
  switch (step.kind) {
    case StepKind::kAddPresent:
      return with_elements<AddPresent>(step, body);
    case StepKind::kTakeMeans:
      return with_elements<TakeMeans>(step, body);
    case StepKind::kFill:
      return with_elements<Fill>(step, body);
    case StepKind::kWeighTaps:
      return with_kind<WeighTaps>(step, body);
    case StepKind::kAddColumns:
      return with_any_kind<AddColumns>(step, body);
    case StepKind::kAddChunks:
      return with_any_kind<AddChunks>(step, body);
    case StepKind::kAddLines:
      return with_any_kind<AddLines>(step, body);
    case StepKind::kRenderPixels:
      return with_kind<RenderPixels>(step, body);
  }
}

}  // namespace
}  // namespace augsynth
