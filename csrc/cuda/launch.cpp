#include "cuda/launch.h"

#include <cmath>
#include <limits>
#include <string>

#include "core/errors.h"
#include "cuda/memory.h"
#include "cuda/shares.h"
#include "cuda/task.h"
#include "pass/neutral.h"
#include "pass/views.h"
#include "pixel/means.h"
#include "pixel/prepare.h"
#include "validation/validate.h"

namespace augsynth {
namespace {

constexpr std::size_t kMostTables = std::size_t{1} << 32;  // bytes a row
constexpr int kOrders = 8;                                 // steps that have to wait for each other

// Pointers into the copied memory and into the scratch, before it is known where both are, count from 0. This
// says which pointers of a task are such.
struct Inside {
  bool source, output, lut;
};

Order order_of(const OutputView& view, DType dtype, int channels, int width, int height) {
  const std::int64_t item = item_size(dtype);
  if (height > 1 && view.stride_y != width * view.stride_x) return Order::kOther;
  if (view.stride_x == item) return Order::kPlanes;
  return view.stride_c == item && view.stride_x == channels * item ? Order::kPixels : Order::kOther;
}

// How a map moves whole pixels on an axis, if it does: from at + 1/2 to scale (at + 1/2) + offset.
bool finds_move(double scale, double offset, Move& move) {
  if ((scale != 1.0 && scale != -1.0) || offset != std::floor(offset)) return false;
  const auto whole = static_cast<std::int32_t>(offset);
  move = scale > 0.0 ? Move{whole, 1} : Move{whole - 1, -1};
  return true;
}

// The row as pixel/prepare.h takes it, with the source to go with it: filters along swapped axes are swapped.
struct Upright {
  PlanRow row;
  SourceView source;

  Upright(const PlanRow& given, const SourceView& view) : row(given), source(view) {
    if (!is_smoothed(row) || is_axis_aligned(row) || !swaps_axes(row)) return;
    row = with_axes_swapped(given);
    source = with_axes_swapped(view);
  }
};

bool is_quick_for_all_steps(const PlanRow& row, const SourceView& source) {
  if (!is_reduced(row)) {
    const Upright upright(row, source);
    return is_quick(upright.row, upright.source);
  }
  Scratch counted(nullptr);
  const PlanRow warp = warp_of(row);
  const ReducedMemory reduced = lay_out_reduced(warp, 0, row.output_size[0], counted);
  return is_quick(reduction_of(row), source) && is_quick(warp, reduced.source());
}

// A step before its memory exists.
struct Planned {
  StepKind kind;
  int kind_of_tasks;
  std::size_t tasks, measures;  // where they lie
  Share share;
};

// The tasks of one kind.
template <typename Kind>
struct Tasks {
  std::vector<Task<Kind::kMost>> tasks;
  std::vector<Inside> inside;
  std::vector<Measure> measures;
  Shares tables, reductions, columns, chunks, pictures, pixels;
  std::size_t begin = 0, measures_begin = 0;
};

// Of sources of one dtype with missing values.
template <typename T>
struct FillTasks {
  std::vector<FillTask<T>> tasks;
  Shares lines, channels, elements;
  std::size_t begin = 0;
};

}  // namespace

class Launch::Layout {
 public:
  Layout(const std::vector<PlanRow>& rows, const Tables& tables, const std::vector<Image>& sources,
         const std::vector<Image>& outputs)
      : rows_(rows), tables_(tables) {
    luts_ = copied_.append(tables.luts);
    erasures_ = copied_.append(tables.erasures);
    colours_ = copied_.append(tables.colours);
    rules_ = copied_.append(tables.missing);
    offsets_ = copied_.append(tables.offsets);
    for (std::size_t i = 0; i < rows.size(); ++i) add(i, sources[i], output_view(outputs[i]));
    place_fills(fills8_, DType::kUint8);
    place_fills(fills16_, DType::kUint16);
    place_fills(fills32_, DType::kFloat32);
    place(quick1_);
    place(quick3_);
    place(quick4_);
    place(any3_);
    place(any16_);
  }

  std::size_t copied() const { return (copied_.bytes().size() + kAlignment - 1) / kAlignment * kAlignment; }

  std::size_t scratch() const { return scratch_.used(); }

  std::vector<LaunchStep> write(unsigned char* staging, unsigned char* device) const {
    std::memcpy(staging, copied_.bytes().data(), copied_.bytes().size());
    const Bases bases{reinterpret_cast<std::uintptr_t>(device),
                      reinterpret_cast<std::uintptr_t>(device) + copied()};
    move_fills(fills8_, staging, bases);
    move_fills(fills16_, staging, bases);
    move_fills(fills32_, staging, bases);
    move_tasks(quick1_, staging, bases);
    move_tasks(quick3_, staging, bases);
    move_tasks(quick4_, staging, bases);
    move_tasks(any3_, staging, bases);
    move_tasks(any16_, staging, bases);
    std::vector<LaunchStep> steps;
    for (const std::vector<Planned>& together : planned_)
      for (const Planned& one : together) steps.push_back(moved(one, bases));
    return steps;
  }

 private:
  struct Bases {
    std::uintptr_t copied, scratch;
  };

  // ---- Rows ----

  void add(std::size_t i, const Image& source, const OutputView& output) {
    const PlanRow& row = rows_[i];
    const SourceView view = row.missing >= 0 ? fill(row, source) : source_view(source);
    if (!looks_at_means(row, tables_) && is_quick_for_all_steps(row, view)) switch (row.channels) {
        case 1:
          return add(quick1_, i, view, output);
        case 3:
          return add(quick3_, i, view, output);
        case 4:
          return add(quick4_, i, view, output);
      }
    row.channels == 3 ? add(any3_, i, view, output) : add(any16_, i, view, output);
  }

  template <typename Kind>
  void add(Tasks<Kind>& group, std::size_t i, const SourceView& view, const OutputView& output) {
    const PlanRow& row = rows_[i];
    const Inside inside{row.missing >= 0, false, row.lut >= 0};
    const Box whole{{0, row.output_size[1]}, {0, row.output_size[0]}};
    if (!is_reduced(row)) {
      add_pixels(group, row, entries_of(row), view, output, whole, inside);
      group.pixels.add(group.tasks.size() - 1, runs_of(group.tasks.back()));
    } else {
      const PlanRow warp = warp_of(row);
      const ReducedMemory reduced = lay_out_reduced(warp, 0, row.output_size[0], scratch_);
      add_pixels(group, reduction_of(row), Entries{}, view, reduced.output(), reduced.box,
                 {inside.source, true, false});
      group.reductions.add(group.tasks.size() - 1, runs_of(group.tasks.back()));
      Displacement room;
      add_pixels(group, warp, warp_of(entries_of(row), row, room), reduced.source(), output, whole,
                 {true, false, inside.lut});
      group.pixels.add(group.tasks.size() - 1, runs_of(group.tasks.back()));
    }
    if constexpr (!Kind::kQuick)
      if (looks_at_means(row, tables_)) measure(group, row);
    if (scratch_.used() == Scratch::kMost)
      throw PlanError("row " + std::to_string(i) + ": it would need more memory than there are addresses");
  }

  Entries entries_of(const PlanRow& row) const {
    Entries entries;
    if (row.lut >= 0)
      entries.lut = reinterpret_cast<const std::uint16_t*>(luts_) + row.lut * tables_.lut_levels;
    if (row.colour >= 0) {
      entries.colour = &tables_.colours[row.colour];
      entries.offset = entries.colour->offset;
    }
    entries.erasures_begin = reinterpret_cast<const Erasure*>(erasures_) + row.erasures[0];
    entries.erasures_end = reinterpret_cast<const Erasure*>(erasures_) + row.erasures[1];
    if (row.displacement >= 0) {
      entries.displacement = &tables_.displacements[row.displacement];
      entries.offsets = reinterpret_cast<const Offset*>(offsets_) + entries.displacement->first;
    }
    return entries;
  }

  template <typename Kind>
  void add_pixels(Tasks<Kind>& group, const PlanRow& row, const Entries& entries, const SourceView& source,
                  const OutputView& output, const Box& box, const Inside& inside) {
    const Upright upright(row, source);
    const std::size_t before = scratch_.used();
    const auto job = prepare<Kind::kMost>(upright.row, entries, upright.source, output, box, scratch_);
    if (scratch_.used() - before > kMostTables)
      throw PlanError(
          "antialiasing would need tables of more than 4 GiB; the support is too small for the map");
    const int width = box.x.end - box.x.begin, height = box.y.end - box.y.begin;
    const Order order = order_of(output, static_cast<DType>(row.output_dtype), row.channels, width, height);
    Move across{}, down{};
    const bool moves = job.sampler == SamplingKind::kNearest && is_axis_aligned(row) &&
                       finds_move(row.inverse[0], row.inverse[2], across) &&
                       finds_move(row.inverse[4], row.inverse[5], down);
    group.tasks.push_back({job, box.x.begin, box.y.begin, width, height, order, moves, across, down});
    group.inside.push_back(inside);
    if (is_filter(job.sampler)) group.tables.add(group.tasks.size() - 1, std::int64_t{width} + height);
  }

  // How many packs the pixels of a channel fill.
  template <int kMost>
  static std::int64_t runs_of(const Task<kMost>& task) {
    const std::int64_t each = kPackBytes / item_size(task.job.output_dtype);
    return (std::int64_t{task.width} * task.height + each - 1) / each;
  }

  template <typename Kind>
  void measure(Tasks<Kind>& group, const PlanRow& row) {
    const std::int64_t height = row.output_size[0], chunks = (row.output_size[1] + kChunk - 1) / kChunk;
    const std::size_t task = group.tasks.size() - 1;
    group.measures.push_back({scratch_.take<double>(height * chunks * kAdders * row.channels),
                              scratch_.take<double>(height * row.channels),
                              reinterpret_cast<const ColourMap*>(colours_) + row.colour,
                              static_cast<std::int32_t>(chunks)});
    group.columns.add(task, height * chunks * kAdders);
    group.chunks.add(task, height);
    group.pictures.add(task, 1);
  }

  // ---- Missing values ----

  SourceView fill(const PlanRow& row, const Image& source) {
    switch (source.dtype) {
      case DType::kUint8:
        return fill(fills8_, row, source);
      case DType::kUint16:
        return fill(fills16_, row, source);
      default:
        return fill(fills32_, row, source);
    }
  }

  // The copy without missing values.
  template <typename T>
  SourceView fill(FillTasks<T>& group, const PlanRow& row, const Image& source) {
    const MissingRule& rule = tables_.missing[row.missing];
    const std::int32_t height = row.source_size[0], width = row.source_size[1], channels = row.channels;
    const std::int64_t line = std::int64_t{width} * channels;
    const std::size_t task = group.tasks.size();
    FillTask<T> fill{source_view(source),
                     width,
                     height,
                     channels,
                     Mark<T>(rule.value),
                     reinterpret_cast<const MissingRule*>(rules_) + row.missing,
                     scratch_.take<T>(height * line),
                     nullptr,
                     nullptr,
                     nullptr};
    if (rule.by_mean) {
      fill.sums = scratch_.take<double>(std::int64_t{height} * channels);
      fill.means = scratch_.take<double>(channels);
      fill.counts = scratch_.take<std::int64_t>(std::int64_t{height} * channels);
      group.lines.add(task, std::int64_t{height} * channels);
      group.channels.add(task, channels);
    }
    group.elements.add(task, height * line);
    group.tasks.push_back(fill);
    constexpr std::int64_t kItem = sizeof(T);
    return {reinterpret_cast<const unsigned char*>(fill.copy), line * kItem, channels * kItem, kItem};
  }

  // ---- Steps ----

  // The steps of one order do not wait for each other.
  void plan(int order, StepKind kind, int kind_of_tasks, std::size_t tasks, std::size_t measures,
            const Shares& shares) {
    if (!shares.empty())
      planned_[order].push_back({kind, kind_of_tasks, tasks, measures, shares.append_to(copied_)});
  }

  template <typename T>
  void place_fills(FillTasks<T>& group, DType dtype) {
    group.begin = copied_.append(group.tasks);
    const int number = static_cast<int>(dtype);
    plan(0, StepKind::kAddPresent, number, group.begin, 0, group.lines);
    plan(1, StepKind::kTakeMeans, number, group.begin, 0, group.channels);
    plan(2, StepKind::kFill, number, group.begin, 0, group.elements);
  }

  template <typename Kind>
  void place(Tasks<Kind>& group) {
    group.begin = copied_.append(group.tasks);
    group.measures_begin = copied_.append(group.measures);
    const auto step = [&](int order, StepKind kind, const Shares& shares) {
      plan(order, kind, Kind::kNumber, group.begin, group.measures_begin, shares);
    };
    step(2, StepKind::kWeighTaps, group.tables);
    step(3, StepKind::kRenderPixels, group.reductions);
    step(4, StepKind::kAddColumns, group.columns);
    step(5, StepKind::kAddChunks, group.chunks);
    step(6, StepKind::kAddLines, group.pictures);
    step(7, StepKind::kRenderPixels, group.pixels);
  }

  // ---- Pointers, once it is known where the memory lies ----

  template <typename T>
  void move_fills(const FillTasks<T>& group, unsigned char* staging, const Bases& bases) const {
    auto* task = reinterpret_cast<FillTask<T>*>(staging + group.begin);
    for (const FillTask<T>* end = task + group.tasks.size(); task != end; ++task) {
      move_pointer(task->rule, bases.copied);
      move_pointer(task->copy, bases.scratch);
      move_pointer(task->sums, bases.scratch);
      move_pointer(task->means, bases.scratch);
      move_pointer(task->counts, bases.scratch);
    }
  }

  template <typename Kind>
  void move_tasks(const Tasks<Kind>& group, unsigned char* staging, const Bases& bases) const {
    auto* task = reinterpret_cast<Task<Kind::kMost>*>(staging + group.begin);
    for (const Inside& inside : group.inside) {
      auto& job = task++->job;
      if (inside.source) move_pointer(job.source, bases.scratch);
      if (inside.output) move_pointer(job.output.data, bases.scratch);
      if (job.is_displaced) move_pointer(job.map.offsets, bases.copied);
      if (inside.lut) move_pointer(job.lut, bases.copied);
      move_pointer(job.erasures_begin, bases.copied);
      move_pointer(job.erasures_end, bases.copied);
      move_pointer(job.across.memory, bases.scratch);
      move_pointer(job.down.memory, bases.scratch);
    }
    auto* measure = reinterpret_cast<Measure*>(staging + group.measures_begin);
    for (const Measure* end = measure + group.measures.size(); measure != end; ++measure) {
      move_pointer(measure->parts, bases.scratch);
      move_pointer(measure->lines, bases.scratch);
      move_pointer(measure->map, bases.copied);
    }
  }

  static LaunchStep moved(const Planned& one, const Bases& bases) {
    Share share = one.share;
    move_pointer(share.tasks, bases.copied);
    if (share.ends != nullptr) move_pointer(share.ends, bases.copied);
    return {one.kind, one.kind_of_tasks, reinterpret_cast<void*>(bases.copied + one.tasks),
            reinterpret_cast<const void*>(bases.copied + one.measures), share};
  }

  const std::vector<PlanRow>& rows_;  // those of the constructor's caller, until it returns
  const Tables& tables_;
  CopiedMemory copied_;
  Scratch scratch_{nullptr};
  std::size_t luts_ = 0, erasures_ = 0, colours_ = 0, rules_ = 0, offsets_ = 0;  // where they lie
  FillTasks<std::uint8_t> fills8_;
  FillTasks<std::uint16_t> fills16_;
  FillTasks<float> fills32_;
  Tasks<Kind<1, true>> quick1_;
  Tasks<Kind<3, true>> quick3_;
  Tasks<Kind<4, true>> quick4_;
  Tasks<Kind<3, false>> any3_;
  Tasks<Kind<kMaxChannels, false>> any16_;
  std::vector<Planned> planned_[kOrders];
};

Launch::Launch(std::vector<PlanRow> rows, Tables tables, const std::vector<Image>& sources,
               const std::vector<Image>& outputs) {
  validate_rows(rows);
  validate_tables(rows, tables);
  validate_images(rows, sources, outputs);
  neutralise(rows, tables);
  layout_ = std::make_unique<const Layout>(rows, tables, sources, outputs);
}

Launch::~Launch() = default;

std::size_t Launch::copied() const { return layout_->copied(); }

std::size_t Launch::scratch() const { return layout_->scratch(); }

std::vector<LaunchStep> Launch::write(unsigned char* staging, unsigned char* device) const {
  return layout_->write(staging, device);
}

}  // namespace augsynth
