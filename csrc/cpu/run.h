// Applies a pass to a batch: one row, one source and one output a sample.
#pragma once

#include <vector>

#include "core/image.h"
#include "core/plan.h"
#include "core/poll.h"
#include "core/tables.h"

namespace augsynth {

// Throws PlanError or ImageError before any pixel is written; what `check` throws, whenever it does: then the
// outputs hold anything.
void run(std::vector<PlanRow> rows, Tables tables, const std::vector<Image>& sources,
         const std::vector<Image>& outputs, int threads, Check check);

}  // namespace augsynth
