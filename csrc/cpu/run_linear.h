// Linear passes and their adjoints on the CPU. Results do not depend on the number of threads.
#pragma once

#include "core/poll.h"
#include "gradient/linear_pass.h"

namespace augsynth {

// Throws ArgumentError, naming the sample, unless the corners of the output (height, width) map as
// docs/design/numerics.md demands of a row, and edges are above 0.
template <typename T>
void validate_maps(const LinearPass<T>& pass, int height, int width);

// Writes the output. All sizes fit each other. What `check` throws ends this; then the output holds anything.
template <typename T>
void run_linear(const LinearPass<T>& pass, const ImageBatch<const T>& source, const ImageBatch<T>& output,
                int threads, Check check);

// Adds the gradient of the source to `result`, from that of the output; `check` as above.
template <typename T>
void run_adjoint(const LinearPass<T>& pass, const ImageBatch<const T>& gradient, const ImageBatch<T>& result,
                 int threads, Check check);

}  // namespace augsynth
