#include <algorithm>

#include "validation/requirement.h"
#include "validation/validate.h"

namespace augsynth {
namespace {

// One row's entries in the tables, of which only those channels count that the row has.
class EntryCheck {
 public:
  EntryCheck(const PlanRow& row, const Tables& tables, std::size_t index)
      : row_(row), tables_(tables), require_(index) {}

  void all() const {
    if (points_into("lut", row_.lut, tables_.lut_count())) lut();
    if (points_into("colour", row_.colour, tables_.colours.size())) colour(tables_.colours[row_.colour]);
    if (points_into("missing", row_.missing, tables_.missing.size())) missing(tables_.missing[row_.missing]);
    if (points_into("displacement", row_.displacement, tables_.displacements.size()))
      displacement(tables_.displacements[row_.displacement]);
    erasures();
  }

 private:
  // True if the row has an entry. The index must be that of an entry, or -1.
  bool points_into(const char* field, std::int32_t index, std::size_t count) const {
    require_(index >= -1 && index < static_cast<std::int64_t>(count), field, index,
             "-1 or an index of the pass's tables");
    return index >= 0;
  }

  void lut() const {
    const DType dtype = static_cast<DType>(row_.source_dtype);
    const std::size_t levels = dtype == DType::kUint8 ? 256 : 65536;
    require_(dtype != DType::kFloat32, "lut", row_.lut, "-1 for a float32 source");
    require_(tables_.lut_levels == levels, "lut", row_.lut,
             "-1, or tables with one entry for each level of the source");
    if (dtype == DType::kUint16) return;  // which holds all that an entry can be
    const std::uint16_t* lut = tables_.lut(row_.lut);
    for (std::size_t level = 0; level < levels; ++level)
      require_(lut[level] < levels, "an entry of the lut", lut[level], "a level of the source's dtype");
  }

  void colour(const ColourMap& colour) const {
    for (int c = 0; c < row_.channels; ++c) {
      for (int k = 0, at = c * kMaxChannels; k < row_.channels; ++k, ++at) {
        require_.finite("colour's matrix", colour.matrix[at], at);
        require_.finite("colour's of_mean", colour.of_mean[at], at);
      }
      require_.finite("colour's offset", colour.offset[c], c);
    }
    const double low = colour.clamp[0], high = colour.clamp[1];
    require_(!std::isnan(low), "colour's clamp[0]", low, "a number");
    require_(high >= low, "colour's clamp[1]", high, "a number not below colour's clamp[0]");
  }

  void missing(const MissingRule& rule) const {
    require_(rule.by_mean <= 1, "missing's by_mean", +rule.by_mean, "0 or 1");
    range("missing's low", "missing's high", rule.low, rule.high);
  }

  // The control points bound what they make of a position, and so the corners of a box bound all positions.
  void displacement(const Displacement& entry) const {
    const std::int64_t rows = entry.grid[0], columns = entry.grid[1];
    const std::int64_t count = static_cast<std::int64_t>(tables_.offsets.size());
    require_(rows >= 4, "displacement's grid", rows, "at least 4 rows", 0);
    require_(columns >= 4, "displacement's grid", columns, "at least 4 columns", 1);
    require_(entry.first >= 0 && entry.first <= count && rows * columns <= count - entry.first,
             "displacement's first", entry.first,
             "a control point whose grid lies within the pass's offsets");
    for (int i = 0; i < 9; ++i) {
      require_.finite("displacement's before", entry.before[i], i);
      require_.finite("displacement's after", entry.after[i], i);
    }
    for (int i = 0; i < 2; ++i) {
      require_.finite("displacement's origin", entry.origin[i], i);
      require_(entry.spacing[i] > 0.0 && std::isfinite(entry.spacing[i]), "displacement's spacing",
               entry.spacing[i], "a finite number above 0", i);
    }
    const Bounds moved = offset_bounds(tables_.offsets.data() + entry.first, rows * columns);
    const Bounds frame =
        mapped("displacement's before", entry.before, "the output corner",
               {{0.0, 0.0}, {1.0 * row_.output_size[1], 1.0 * row_.output_size[0]}}, "the frame");
    mapped("displacement's after", entry.after, "the displaced corner",
           {{frame.low.x + moved.low.x, frame.low.y + moved.low.y},
            {frame.high.x + moved.high.x, frame.high.y + moved.high.y}},
           "the source");
  }

  struct Bounds {
    Offset low, high;

    void take(const Offset& point) {
      low = {std::min(low.x, point.x), std::min(low.y, point.y)};
      high = {std::max(high.x, point.x), std::max(high.y, point.y)};
    }
  };

  Bounds offset_bounds(const Offset* offsets, std::int64_t count) const {
    Bounds bounds{offsets[0], offsets[0]};
    for (const Offset* end = offsets + count; offsets != end; ++offsets) {
      require_(std::isfinite(offsets->x), "a displacement's offset", offsets->x, "a finite number", 0);
      require_(std::isfinite(offsets->y), "a displacement's offset", offsets->y, "a finite number", 1);
      bounds.take(*offsets);
    }
    return bounds;
  }

  // The box around what a map makes of a box.
  Bounds mapped(const char* field, const double* m, const char* point, const Bounds& box,
                const char* frame) const {
    const auto at = [&](double x, double y) { return require_.maps(field, m, point, x, y, frame); };
    const Offset first = at(box.low.x, box.low.y);
    Bounds bounds{first, first};
    bounds.take(at(box.high.x, box.low.y));
    bounds.take(at(box.low.x, box.high.y));
    bounds.take(at(box.high.x, box.high.y));
    return bounds;
  }

  void erasures() const {
    const std::int32_t first = row_.erasures[0], last = row_.erasures[1];
    const std::int64_t count = static_cast<std::int64_t>(tables_.erasures.size());
    require_(first >= 0 && first <= count, "erasures", first, "an index of the pass's tables", 0);
    require_(last >= first && last <= count, "erasures", last, "erasures[0] or an index behind it", 1);
    for (std::int32_t i = first; i < last; ++i) erasure(tables_.erasures[i]);
  }

  void erasure(const Erasure& erasure) const {
    const std::int32_t* box = erasure.box;
    for (int axis = 0; axis < 2; ++axis) {
      require_(box[axis] >= 0, "an erasure's box", box[axis], "a pixel of the output", axis);
      require_(box[2 + axis] >= box[axis] && box[2 + axis] <= row_.output_size[axis], "an erasure's box",
               box[2 + axis], "a pixel of the output or its end, not before the box's beginning", 2 + axis);
    }
    range("an erasure's low", "an erasure's high", erasure.low, erasure.high);
  }

  void range(const char* low_name, const char* high_name, const double* low, const double* high) const {
    for (int c = 0; c < row_.channels; ++c) {
      require_.finite(low_name, low[c], c);
      require_.finite(high_name, high[c], c);
      require_(low[c] <= high[c], high_name, high[c], "a number not below low", c);
    }
  }

  const PlanRow& row_;
  const Tables& tables_;
  const Requirement require_;
};

}  // namespace

void validate_tables(const std::vector<PlanRow>& rows, const Tables& tables) {
  for (std::size_t i = 0; i < rows.size(); ++i) EntryCheck(rows[i], tables, i).all();
}

}  // namespace augsynth
