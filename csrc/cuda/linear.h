// Linear passes and their adjoints on a CUDA device: kernels over the arithmetic of gradient/pixel.h.
#pragma once

#include "gradient/linear_pass.h"

namespace augsynth {

// All pointers are of the current device, where the work is queued on `stream`, a cudaStream_t. `means` has
// room for a number a sample and channel where the pass looks at means, and is null otherwise.
template <typename T>
void launch_linear(const LinearPass<T>& pass, const ImageBatch<const T>& source, const ImageBatch<T>& output,
                   T* means, void* stream);

// Adds the gradient of the source to `result`, from that of the output. Pixels are added up in any order, so
// that last bits may differ from one call to the next.
template <typename T>
void launch_adjoint(const LinearPass<T>& pass, const ImageBatch<const T>& gradient,
                    const ImageBatch<T>& result, T* means, void* stream);

}  // namespace augsynth
