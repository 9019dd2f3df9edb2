#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/errors.h"
#include "validation/validate.h"

namespace augsynth {
namespace {

const char* dtype_name(DType dtype) {
  constexpr const char* kNames[] = {"uint8", "uint16", "float32", "float16", "bfloat16"};
  return kNames[static_cast<int>(dtype)];
}

std::string shape_text(const std::int64_t* shape) {
  return "(" + std::to_string(shape[0]) + ", " + std::to_string(shape[1]) + ", " + std::to_string(shape[2]) +
         ")";
}

// One image of the call, as messages name it.
struct Named {
  const Image& image;
  const char* list;
  std::size_t index;
  bool written;

  std::string name() const { return "row " + std::to_string(index) + ": " + list; }
};

void check_fit(const Named& named, const std::int64_t (&shape)[3], const char* axes, std::uint8_t dtype) {
  const Image& image = named.image;
  if (!std::equal(shape, shape + 3, image.shape))
    throw PlanError(named.name() + " has shape " + shape_text(image.shape) + ", expected " + axes + " = " +
                    shape_text(shape));
  if (image.dtype != static_cast<DType>(dtype))
    throw PlanError(named.name() + " has dtype " + dtype_name(image.dtype) + ", expected " +
                    dtype_name(static_cast<DType>(dtype)));
}

// Parts of an output, `stride` bytes from each other.
struct Level {
  std::int64_t count, stride;
};

// True if all parts, nested in each other and the innermost `bytes` long, lie apart.
bool lie_apart(Level outer, Level inner, std::int64_t bytes) {
  if (outer.stride < inner.stride) std::swap(outer, inner);
  const std::int64_t block = inner.count > 1 ? inner.stride * (inner.count - 1) + bytes : bytes;
  return (inner.count == 1 || inner.stride >= bytes) && (outer.count == 1 || outer.stride >= block);
}

// Each element of an output has its own place, and a line is contiguous by itself or with its other channels.
void check_output_layout(const Named& named) {
  const Image& image = named.image;
  const std::int64_t item = item_size(image.dtype), line = image.shape[2] * item;
  if (!image.writable) throw ImageError(named.name() + " is read-only, expected a writable array");
  const Level planes{image.shape[0], std::abs(image.stride[0])},
      lines{image.shape[1], std::abs(image.stride[1])};
  bool apart;
  if (is_planar(image)) {
    apart = lie_apart(planes, lines, line);
  } else if (is_interleaved(image)) {
    apart = lie_apart(lines, Level{1, 0}, line * image.shape[0]);
  } else {
    throw ImageError(named.name() + " has strides " + shape_text(image.stride) + " bytes for shape " +
                     shape_text(image.shape) + ", expected contiguous lines (a column stride of " +
                     std::to_string(item) + ") or interleaved channels (a channel stride of " +
                     std::to_string(item) + " and a column stride of " +
                     std::to_string(image.shape[0] * item) + ")");
  }
  if (!apart)
    throw ImageError(named.name() + " has overlapping lines or planes: strides " + shape_text(image.stride) +
                     " bytes for shape " + shape_text(image.shape));
}

// The addresses [low, high) that an image's elements span.
struct Extent {
  std::uintptr_t low, high;
  Named image;
};

Extent extent_of(const Named& named) {
  const Image& image = named.image;
  std::int64_t below = 0, above = item_size(image.dtype);
  bool overflow = false;
  for (int axis = 0; axis < 3; ++axis) {
    std::int64_t reach;
    overflow |= __builtin_mul_overflow(image.shape[axis] - 1, image.stride[axis], &reach);
    std::int64_t& side = reach < 0 ? below : above;
    overflow |= __builtin_add_overflow(side, reach, &side);
  }
  Extent extent{0, 0, named};
  const auto address = reinterpret_cast<std::uintptr_t>(image.data);
  overflow |= __builtin_add_overflow(address, below, &extent.low);
  overflow |= __builtin_add_overflow(address, above, &extent.high);
  if (overflow)
    throw ImageError(named.name() + " spans more memory than there are addresses: strides " +
                     shape_text(image.stride) + " bytes for shape " + shape_text(image.shape));
  return extent;
}

// True if the outputs lie one behind the other, as parts of one array do, and all sources lie before or
// behind them.
bool lie_in_order(const std::vector<Extent>& sources, const std::vector<Extent>& outputs) {
  if (outputs.empty()) return true;
  const auto meet = [](const Extent& one, const Extent& next) { return next.low < one.high; };
  if (std::adjacent_find(outputs.begin(), outputs.end(), meet) != outputs.end()) return false;
  const std::uintptr_t low = outputs.front().low, high = outputs.back().high;
  return std::all_of(sources.begin(), sources.end(),
                     [=](const Extent& source) { return source.high <= low || source.low >= high; });
}

// Sources may share memory with each other, an output with nothing.
void check_apart(const std::vector<Extent>& sources, const std::vector<Extent>& outputs) {
  if (lie_in_order(sources, outputs)) return;
  std::vector<const Extent*> extents;
  for (const Extent& source : sources) extents.push_back(&source);
  for (const Extent& output : outputs) extents.push_back(&output);
  std::sort(extents.begin(), extents.end(), [](const Extent* a, const Extent* b) { return a->low < b->low; });
  const Extent* furthest = nullptr;  // of all so far
  const Extent* written = nullptr;   // of the outputs so far
  for (const Extent* extent : extents) {
    const Extent* other = extent->image.written ? furthest : written;
    if (other != nullptr && extent->low < other->high)
      throw PlanError(extent->image.name() + " overlaps the memory of " + other->image.name() +
                      "; an output may share memory with no other image");
    if (furthest == nullptr || extent->high > furthest->high) furthest = extent;
    if (extent->image.written && (written == nullptr || extent->high > written->high)) written = extent;
  }
}

void check_count(const char* list, std::size_t came, std::size_t rows) {
  if (came != rows)
    throw PlanError("there are " + std::to_string(came) + " " + list + " for " + std::to_string(rows) +
                    " rows, expected one a row");
}

}  // namespace

void validate_images(const std::vector<PlanRow>& rows, const std::vector<Image>& sources,
                     const std::vector<Image>& outputs) {
  check_count("sources", sources.size(), rows.size());
  check_count("outputs", outputs.size(), rows.size());
  std::vector<Extent> source_extents, output_extents;
  source_extents.reserve(rows.size());
  output_extents.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const PlanRow& row = rows[i];
    const Named source{sources[i], "the source", i, false}, output{outputs[i], "the output", i, true};
    check_fit(source, {row.source_size[0], row.source_size[1], row.channels}, "(height, width, channels)",
              row.source_dtype);
    check_fit(output, {row.channels, row.output_size[0], row.output_size[1]}, "(channels, height, width)",
              row.output_dtype);
    check_output_layout(output);
    source_extents.push_back(extent_of(source));
    output_extents.push_back(extent_of(output));
  }
  check_apart(source_extents, output_extents);
}

}  // namespace augsynth
