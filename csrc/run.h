// Applies a pass to a batch: one row, one source and one output a sample.
#pragma once

#include <vector>

#include "image.h"
#include "plan.h"
#include "tables.h"

namespace augsynth {

// Throws PlanError or ImageError before any pixel is written.
void run(const std::vector<PlanRow>& rows, const Tables& tables, const std::vector<Image>& sources,
         const std::vector<Image>& outputs, int threads);

}  // namespace augsynth
