// The checks that stand between a plan and memory.
#pragma once

#include <vector>

#include "core/image.h"
#include "core/plan.h"
#include "core/tables.h"

namespace augsynth {

// Throws PlanError, naming the row and the field, for what docs/design/numerics.md calls invalid.
void validate_rows(const std::vector<PlanRow>& rows);

// Throws PlanError for invalid table entries of rows. The rows must be valid.
void validate_tables(const std::vector<PlanRow>& rows, const Tables& tables);

// Throws PlanError where the images do not fit the rows or an output shares memory with another image, and
// ImageError for a layout that cannot be written. The rows must be valid.
void validate_images(const std::vector<PlanRow>& rows, const std::vector<Image>& sources,
                     const std::vector<Image>& outputs);

}  // namespace augsynth
