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
