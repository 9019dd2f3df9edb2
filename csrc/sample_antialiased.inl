// Part of stages.inl: sampling with a filter as wide as an output pixel.
namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

// A filter that widens with the size of an output pixel in the source.
struct Filter {
  bool cubic;
  double per_support, radius;

  Filter(const PlanRow& row, int axis)
      : cubic(static_cast<Interpolation>(row.interpolation) == Interpolation::kBicubic),
        per_support(1.0 / row.support[axis]),
        radius(filter_radius(row, axis)) {}

  double operator()(double distance) const {
    const double t = distance * per_support;
    return cubic ? keys(t, -0.5) : 1.0 - absolute(t);
  }
};

// Whether taps outside the source are left out, rather than mapped.
bool leaves_out(Border border) { return border == Border::kReplicate || border == Border::kConstant; }

// The pixels around a position, each with its weight; returns how many. Where taps outnumber the source's
// pixels, those of one pixel are folded together.
int gather_taps(const Axis& axis, const Filter& filter, double s, Tap* taps) {
  const bool clips = leaves_out(axis.border);
  if (clips) s = within(s, 0.0, axis.size);
  int first = floor_to_int(s - filter.radius - 0.5) + 1;
  int end = floor_to_int(s + filter.radius + 0.5) + 1;
  if (clips && first < 0) first = 0;
  if (clips && end > axis.size) end = axis.size;

  const bool folds = end - first > axis.size;
  int count = folds ? axis.size : 0;
  for (int i = 0; i < count; ++i) taps[i] = {i * axis.stride, 0.0};
  double total = 0.0;
  for (int j = first; j < end; ++j) {
    const double distance = j + 0.5 - s;
    if (absolute(distance) >= filter.radius) continue;
    const double weight = filter(distance);
    total += weight;
    const int index = inside(axis, j);
    if (folds)
      taps[index].weight += weight;
    else
      taps[count++] = {index * axis.stride, weight};
  }
  const double share = 1.0 / total;
  for (int i = 0; i < count; ++i) taps[i].weight *= share;
  return count;
}

template <typename T>
double weigh_line(const unsigned char* line, const Tap* taps, int count) {
  double sum = 0.0;
  for (int i = 0; i < count; ++i) sum += taps[i].weight * load<T>(line + taps[i].offset);
  return sum;
}

template <typename T>
void sample_antialiased(const PlanRow& row, const SourceView& source, Chunk& chunk, const Scratch& scratch) {
  const Axis x = x_axis(row, source), y = y_axis(row, source);
  const Filter filter_x(row, 0), filter_y(row, 1);
  for (int i = 0; i < chunk.count; ++i) {
    const int width = gather_taps(x, filter_x, chunk.sx[i], scratch.across);
    const int height = gather_taps(y, filter_y, chunk.sy[i], scratch.down);
    for (int c = 0; c < row.channels; ++c) {
      const unsigned char* plane = source.data + c * source.stride_c;
      double sum = 0.0;
      for (int j = 0; j < height; ++j)
        sum += scratch.down[j].weight * weigh_line<T>(plane + scratch.down[j].offset, scratch.across, width);
      chunk.value[c][i] = sum;
    }
  }
}

// The source columns [begin, end) that a chunk touches: all where its footprint crosses a mapped border.
struct Range {
  int begin, end;
};

Range touched_columns(const Axis& axis, const Filter& filter, const Chunk& chunk) {
  const double first = chunk.sx[0], last = chunk.sx[chunk.count - 1], reach = filter.radius + 1.0;
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
    for (std::ptrdiff_t i = 0; i < count * row.channels; ++i) line[i] += weight * load<T>(from + i * item);
    return;
  }
  for (std::ptrdiff_t x = 0; x < count; ++x, from += source.stride_x)
    for (int c = 0; c < row.channels; ++c) *line++ += weight * load<T>(from + c * source.stride_c);
}

// For an upright map all pixels of a line share their vertical taps: the source lines are summed once,
// into one line of doubles, and each pixel sums along it.
template <typename T>
void sample_antialiased_upright(const PlanRow& row, const SourceView& source, Chunk& chunk,
                                const Scratch& scratch) {
  const std::ptrdiff_t pixel = row.channels * sizeof(double);
  const Axis along{row.source_size[1], pixel, static_cast<Border>(row.border)};
  const Filter filter(row, 0);
  const Range columns = touched_columns(along, filter, chunk);
  for (std::ptrdiff_t i = columns.begin * row.channels; i < columns.end * row.channels; ++i)
    scratch.line[i] = 0.0;
  const int height = gather_taps(y_axis(row, source), Filter(row, 1), chunk.sy[0], scratch.down);
  for (int j = 0; j < height; ++j)
    add_line<T>(row, source, scratch.down[j].offset, scratch.down[j].weight, columns, scratch.line);
  for (int i = 0; i < chunk.count; ++i) {
    const int width = gather_taps(along, filter, chunk.sx[i], scratch.across);
    const auto* line = reinterpret_cast<const unsigned char*>(scratch.line);
    for (int c = 0; c < row.channels; ++c, line += sizeof(double))
      chunk.value[c][i] = weigh_line<double>(line, scratch.across, width);
  }
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
