// Part of stages.inl: filters along the axes of any width, over any dtype, in float64.
#pragma once

#include "vectors/stages/filter_taps.inl"

namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// The pixels around a position, each with its weight, but for those of weight 0; returns how many.
int gather_taps(const Axis& axis, const Filter& filter, double s, Tap* taps) {
  const Reach reach = filter.reach(axis, s);
  const Range range = weigh_wide(filter, axis, reach, [taps](int i) -> double& { return taps[i].weight; });
  int count = 0;
  for (int i = 0; i < range.end - range.begin; ++i)
    if (taps[i].weight != 0.0) taps[count++] = {inside(axis, range.begin + i) * axis.stride, taps[i].weight};
  return count;
}

template <typename T>
double weigh_line(const unsigned char* line, const Tap* taps, int count) {
  double sum = 0.0;
  for (int i = 0; i < count; ++i) sum += taps[i].weight * load_element<T>(line + taps[i].offset);
  return sum;
}

// The source columns [begin, end) that a chunk touches: all where its footprint crosses a mapped border.
Range touched_columns(const Axis& axis, const Filter& filter, double first, double last) {
  const double reach = filter.radius + 1.0;
  const double low = first < last ? first : last, high = first < last ? last : first;
  if (leaves_out(axis.border))
    return {floor_to_int(within(within(low, 0.0, axis.size) - reach, 0.0, axis.size)),
            floor_to_int(within(within(high, 0.0, axis.size) + reach, 0.0, axis.size))};
  const bool crosses = low - reach < 0.0 || high + reach > axis.size;
  return crosses ? Range{0, axis.size} : Range{floor_to_int(low - reach), floor_to_int(high + reach)};
}

// Adds the columns of a source line, times a weight, to a line of doubles with the channels side by side.
template <typename T>
void add_line(const PlanRow& row, const SourceView& source, std::ptrdiff_t offset, double weight,
              Range columns, double* line) {
  const unsigned char* from = source.data + offset + columns.begin * source.stride_x;
  const std::ptrdiff_t item = sizeof(T), count = columns.end - columns.begin;
  line += static_cast<std::ptrdiff_t>(columns.begin) * row.channels;
  if (source.stride_c == item && source.stride_x == item * row.channels) {  // this loop is vectorised
    for (std::ptrdiff_t i = 0; i < count * row.channels; ++i)
      line[i] += weight * load_element<T>(from + i * item);
    return;
  }
  for (std::ptrdiff_t x = 0; x < count; ++x, from += source.stride_x)
    for (int c = 0; c < row.channels; ++c) *line++ += weight * load_element<T>(from + c * source.stride_c);
}

// All pixels of a line share their vertical taps: the source lines are summed once, into one line of doubles,
// and each pixel sums along it.
template <typename T>
class WideFilter {
 public:
  static constexpr double kUnit = 1.0;

  WideFilter(const PlanRow& row, const SourceView& source, Scratch scratch)
      : row_(row), source_(source), memory_(lay_out_wide_filter(row, scratch)) {}

  void sample(Chunk& chunk) {
    double sx[kChunk], sy[kChunk];
    find_positions(row_, chunk.x, chunk.y, chunk.count, sx, sy);
    const std::ptrdiff_t pixel = row_.channels * sizeof(double);
    const Axis along{row_.source_size[1], pixel, static_cast<Border>(row_.border)};
    const Filter filter(row_, 0);
    sum_lines(touched_columns(along, filter, sx[0], sx[chunk.count - 1]), sy[0]);
    for (int i = 0; i < chunk.count; ++i) {
      const int width = gather_taps(along, filter, sx[i], memory_.across);
      const auto* line = reinterpret_cast<const unsigned char*>(memory_.line);
      for (int c = 0; c < row_.channels; ++c, line += sizeof(double))
        chunk.value[c][i] = static_cast<float>(weigh_line<double>(line, memory_.across, width));
    }
  }

 private:
  void sum_lines(Range columns, double sy) const {
    for (std::ptrdiff_t i = columns.begin * row_.channels; i < columns.end * row_.channels; ++i)
      memory_.line[i] = 0.0;
    const int height = gather_taps(y_axis(row_, source_), Filter(row_, 1), sy, memory_.down);
    for (int j = 0; j < height; ++j)
      add_line<T>(row_, source_, memory_.down[j].offset, memory_.down[j].weight, columns, memory_.line);
  }

  const PlanRow& row_;
  const SourceView source_;
  const WideFilterMemory memory_;
};

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
