// Part of stages.inl: maps that move whole pixels of uint8 images and change none of their values (flips,
// crops and padding). Bytes are copied, without floats in between.
#pragma once

#include "vectors/stages/border.inl"
#include "vectors/stages/store.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// True if a byte leaves the stages between sampling and storing unchanged.
bool keeps_bytes(const PlanRow& row, const Entries& entries) {
  if (entries.lut != nullptr || entries.colour != nullptr || entries.measures) return false;
  if (entries.erasures_begin != entries.erasures_end || static_cast<Noise>(row.noise) != Noise::kNone)
    return false;
  for (int c = 0; c < row.channels; ++c)
    if (row.gain[c] != 1.0 || row.bias[c] != 0.0) return false;
  return row.clamp[0] <= 0.0 && row.clamp[1] >= 255.0;
}

// True if the output shows nothing outside the source, under an upright map.
bool stays_inside(const PlanRow& row) {
  for (int axis = 0; axis < 2; ++axis) {
    const int far = row.output_size[1 - axis] - 1, size = row.source_size[1 - axis];
    const double* m = row.inverse + 4 * axis;  // the only part of the matrix' line, but for the shift
    const double shift = row.inverse[3 * axis + 2];
    const double first = m[0] * 0.5 + shift, last = m[0] * (far + 0.5) + shift;
    if (!(first >= 0.0 && first < size && last >= 0.0 && last < size)) return false;
  }
  return true;
}

bool moves_bytes(const PlanRow& row, const Entries& entries) {
  return static_cast<DType>(row.source_dtype) == DType::kUint8 &&
         static_cast<DType>(row.output_dtype) == DType::kUint8 &&
         static_cast<Interpolation>(row.interpolation) == Interpolation::kNearest && is_axis_aligned(row) &&
         absolute(row.inverse[0]) == 1.0 && keeps_bytes(row, entries) &&
         (static_cast<Border>(row.border) != Border::kConstant || stays_inside(row));
}

// The bytes of one channel, `step` bytes from each other. A constant step can be copied in vectors.
struct ReadBytes {
  const unsigned char* first;
  std::ptrdiff_t step;
};
struct WrittenBytes {
  unsigned char* first;
  std::ptrdiff_t step;
};

template <int kFromStep, int kToStep>
void copy_steps(const unsigned char* __restrict from, unsigned char* __restrict to, int count) {
  for (int i = 0; i < count; ++i) to[kToStep * i] = from[kFromStep * i];
}

template <int kToStep>
bool copy_to_step(ReadBytes from, WrittenBytes to, int count) {
  if (to.step != kToStep) return false;
  if (from.step == 1) return copy_steps<1, kToStep>(from.first, to.first, count), true;
  if (from.step == 3) return copy_steps<3, kToStep>(from.first, to.first, count), true;
  if (from.step == 4) return copy_steps<4, kToStep>(from.first, to.first, count), true;
  return false;
}

void copy_channel(ReadBytes from, WrittenBytes to, int count) {
  if (copy_to_step<1>(from, to, count) || copy_to_step<-1>(from, to, count)) return;
  for (int i = 0; i < count; ++i) to.first[i * to.step] = from.first[i * from.step];
}

class PixelCopier {
 public:
  PixelCopier(const PlanRow& row, const SourceView& source, const OutputView& output)
      : row_(row),
        source_(source),
        output_(output),
        x_(x_axis(row, source)),
        y_(y_axis(row, source)),
        is_alike_(is_interleaved(source.stride_c, source.stride_x) &&
                  is_interleaved(output.stride_c, output.stride_x)),
        is_split_(row.channels == 3 && is_interleaved(source.stride_c, source.stride_x) &&
                  output.stride_x == 1) {}

  // The output lines [lines.begin, lines.end) of the columns [begin, begin + count), kChunk at most.
  void copy(int begin, int count, Range lines) {
    find_runs(begin, count);
    for (int y = lines.begin; y < lines.end; ++y) {
      unsigned char* to = output_.data + y * output_.stride_y;
      const int at = inside(y_, floor_to_int(linear(row_.inverse + 3, begin + 0.5, y + 0.5)));
      const unsigned char* from = source_.data + at * source_.stride_y;
      for (int i = 0; i < runs_; ++i) copy_run(run_[i], from, to);
    }
  }

 private:
  bool is_interleaved(std::ptrdiff_t stride_c, std::ptrdiff_t stride_x) const {
    return stride_c == 1 && stride_x == row_.channels;
  }

  // Columns of the output, from `to` on, whose pixels lie side by side in the source, from `from` on, in
  // their order or the other way round.
  struct Run {
    int to, from, count;
    bool is_reversed;
  };

  void find_runs(int begin, int count) {
    runs_ = 0;
    for (int i = 0; i < count; ++i) {
      const int at = inside(x_, floor_to_int(linear(row_.inverse, begin + i + 0.5, 0.5)));
      if (runs_ == 0 || !extend(run_[runs_ - 1], at)) run_[runs_++] = {begin + i, at, 1, false};
    }
  }

  // Adds the next column to a run, if it can be.
  static bool extend(Run& run, int at) {
    const bool goes_on = at == run.from + run.count && (run.count == 1 || !run.is_reversed);
    const bool goes_back = at == run.from - 1 && (run.count == 1 || run.is_reversed);
    if (!goes_on && !goes_back) return false;
    run.is_reversed = goes_back;
    run.from -= goes_back;
    ++run.count;
    return true;
  }

  void copy_run(const Run& run, const unsigned char* from, unsigned char* to) const {
    if (!run.is_reversed && is_alike_) {
      __builtin_memcpy(to + run.to * x_.stride, from + run.from * x_.stride, run.count * x_.stride);
      return;
    }
    if (is_split_ && run.count >= kSplit)
      return run.is_reversed ? split_run<true>(run, from, to) : split_run<false>(run, from, to);
    const int first = run.is_reversed ? run.to + run.count - 1 : run.to;
    const std::ptrdiff_t step = run.is_reversed ? -output_.stride_x : output_.stride_x;
    for (int c = 0; c < row_.channels; ++c) {
      unsigned char* plane = to + c * output_.stride_c;
      if (output_.stride_x == 1) prepare(plane + run.to + output_.stride_y, run.count);
      copy_channel({from + run.from * source_.stride_x + c * source_.stride_c, source_.stride_x},
                   {plane + first * output_.stride_x, step}, run.count);
    }
  }

  // The last pixels of a run are copied with some before them.
  template <bool kReversed>
  void split_run(const Run& run, const unsigned char* from, unsigned char* to) const {
    for (int c = 0; c < 3; ++c) prepare(to + c * output_.stride_c + run.to + output_.stride_y, run.count);
    for (int i = 0; i < run.count; i += kSplit) {
      const int at = i + kSplit <= run.count ? i : run.count - kSplit;
      unsigned char* first = to + run.to + (kReversed ? run.count - kSplit - at : at);
      split_pixels<kReversed>(from + 3 * (run.from + at),
                              {first, first + output_.stride_c, first + 2 * output_.stride_c});
    }
  }

  const PlanRow& row_;
  const SourceView& source_;
  const OutputView& output_;
  const Axis x_, y_;
  const bool is_alike_;  // both are interleaved
  const bool is_split_;  // from three channels that are interleaved
  int runs_ = 0;
  Run run_[kChunk];
};

void copy_pixels(const PlanRow& row, const SourceView& source, const OutputView& output, const Box& box) {
  PixelCopier copier(row, source, output);
  for (int x = box.x.begin; x < box.x.end; x += kChunk)
    copier.copy(x, box.x.end - x < kChunk ? box.x.end - x : kChunk, box.y);
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
