#include <cuda_runtime.h>

#include "cuda/device.h"
#include "cuda/threads.inl"

namespace augsynth {
namespace {

// All threads of a block work on one sample.
template <typename Work>
__global__ void __launch_bounds__(kThreads) run_part(LaunchStep step) {
  const BlockPlace place = place_of(step.share, static_cast<std::int32_t>(blockIdx.x));
  Work::run(step, place.sample, static_cast<std::int64_t>(place.block) * kThreads + threadIdx.x);
}

}  // namespace

void launch(const LaunchStep& step, void* stream) {
  with_part(step, [&](auto part) {
    run_part<decltype(part)><<<step.share.blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(step);
  });
  check_cuda(cudaGetLastError(), "cudaLaunchKernel");
}

}  // namespace augsynth
