#include <cuda_runtime.h>

#include <algorithm>

#include "cuda/device.h"
#include "cuda/linear.h"
#include "gradient/pixel.h"

namespace augsynth {
namespace {

constexpr int kBlockWidth = 32, kBlockHeight = 8;
constexpr int kMeasuringThreads = 256;
constexpr int kMostBlocks = 65535;  // along the grid's second and third axes

// Calls body(map, sample, x, y) for each pixel of each sample that is this thread's.
template <typename T, typename Body>
__device__ void for_pixels(const LinearPass<T>& pass, int height, int width, const Body& body) {
  const int x = blockIdx.x * kBlockWidth + threadIdx.x;
  if (x >= width) return;
  for (int sample = blockIdx.z; sample < pass.samples; sample += gridDim.z) {
    const LinearMap<T> map = pass.of(sample);
    for (int y = blockIdx.y * kBlockHeight + threadIdx.y; y < height; y += gridDim.y * kBlockHeight)
      body(map, sample, x, y);
  }
}

template <typename K, typename T>
__global__ void write(LinearPass<T> pass, ImageBatch<const T> source, ImageBatch<T> output) {
  for_pixels(pass, output.height, output.width, [&](const LinearMap<T>& map, int sample, int x, int y) {
    T values[K::kMost];
    sample_pixel<K>(map, source, sample, x, y, values);
    change_pixel<K>(map, map.offset, output, sample, x, y, values);
  });
}

// What measure_picture() stored, with the offsets that it found.
template <typename K, typename T>
__global__ void change(LinearPass<T> pass, const T* offsets, ImageBatch<T> output) {
  for_pixels(pass, output.height, output.width, [&](const LinearMap<T>& map, int sample, int x, int y) {
    T values[K::kMost];
    load_pixel<K>(map, output, sample, x, y, values);
    change_pixel<K>(map, offsets + static_cast<std::int64_t>(sample) * map.channels, output, sample, x, y,
                    values);
  });
}

template <typename K, typename T>
__global__ void spread(LinearPass<T> pass, const T* debts, ImageBatch<const T> gradient,
                       ImageBatch<T> result) {
  for_pixels(pass, gradient.height, gradient.width, [&](const LinearMap<T>& map, int sample, int x, int y) {
    const T* through_means = debts ? debts + static_cast<std::int64_t>(sample) * map.channels : nullptr;
    const auto add = [](T* place, T value) { atomicAdd(place, value); };
    spread_pixel<K>(map, through_means, gradient, result, sample, x, y, 0, channels_of<K>(map), add);
  });
}

// ---- Means: a block a sample, whose threads add up in one order -----------------------------------------

// The sums over the block's threads, left in its first one.
__device__ void add_up(double* sums, int channels) {
  __shared__ double parts[kMeasuringThreads];
  for (int c = 0; c < channels; ++c) {
    parts[threadIdx.x] = sums[c];
    __syncthreads();
    for (int half = kMeasuringThreads / 2; half > 0; half /= 2) {
      if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
      __syncthreads();
    }
    sums[c] = parts[0];
    __syncthreads();
  }
}

// `value_at(map, sample, x, y, values)` gives what is added up, `find(map, sums, pixels, found)` what is made
// of it.
template <typename K, typename T, typename ValueAt, typename Find>
__device__ void measure(const LinearPass<T>& pass, int height, int width, T* found, const ValueAt& value_at,
                        const Find& find) {
  for (int sample = blockIdx.x; sample < pass.samples; sample += gridDim.x) {
    const LinearMap<T> map = pass.of(sample);
    double sums[K::kMost] = {};
    for (int y = 0; y < height; ++y)
      for (int x = threadIdx.x; x < width; x += kMeasuringThreads) {
        T values[K::kMost];
        value_at(map, sample, x, y, values);
        for (int c = 0; c < channels_of<K>(map); ++c) sums[c] += values[c];
      }
    add_up(sums, map.channels);
    if (threadIdx.x == 0)
      find(map, sums, static_cast<double>(height) * width,
           found + static_cast<std::int64_t>(sample) * map.channels);
  }
}

template <typename K, typename T>
__global__ void measure_picture(LinearPass<T> pass, ImageBatch<const T> source, ImageBatch<T> output,
                                T* offsets) {
  measure<K>(
      pass, output.height, output.width, offsets,
      [&](const LinearMap<T>& map, int sample, int x, int y, T(&values)[K::kMost]) {
        sample_pixel<K>(map, source, sample, x, y, values);
        store_pixel<K>(map, output, sample, x, y, values);
      },
      [](const LinearMap<T>& map, const double* sums, double pixels, T* to) {
        add_means(map, sums, pixels, to);
      });
}

template <typename K, typename T>
__global__ void measure_gradient(LinearPass<T> pass, ImageBatch<const T> gradient, T* debts) {
  measure<K>(
      pass, gradient.height, gradient.width, debts,
      [&](const LinearMap<T>& map, int sample, int x, int y, T(&values)[K::kMost]) {
        gradient_at<K>(map, gradient, sample, x, y, values);
      },
      [](const LinearMap<T>& map, const double* sums, double pixels, T* to) {
        spread_means(map, sums, pixels, to);
      });
}

dim3 grid_over(int samples, int height, int width) {
  const int lines = (height + kBlockHeight - 1) / kBlockHeight;
  return dim3((width + kBlockWidth - 1) / kBlockWidth, std::min(lines, kMostBlocks),
              std::min(samples, kMostBlocks));
}

const dim3 kBlock(kBlockWidth, kBlockHeight);

}  // namespace

template <typename T>
void launch_linear(const LinearPass<T>& pass, const ImageBatch<const T>& source, const ImageBatch<T>& output,
                   T* means, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  with_kind(pass, [&](auto kind) {
    using K = decltype(kind);
    const dim3 grid = grid_over(pass.samples, output.height, output.width);
    if (means) {
      measure_picture<K>
          <<<std::min(pass.samples, kMostBlocks), kMeasuringThreads, 0, queue>>>(pass, source, output, means);
      change<K><<<grid, kBlock, 0, queue>>>(pass, means, output);
    } else {
      write<K><<<grid, kBlock, 0, queue>>>(pass, source, output);
    }
  });
  check_cuda(cudaGetLastError(), "launching a linear pass");
}

template <typename T>
void launch_adjoint(const LinearPass<T>& pass, const ImageBatch<const T>& gradient,
                    const ImageBatch<T>& result, T* means, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  with_kind(pass, [&](auto kind) {
    using K = decltype(kind);
    if (means)
      measure_gradient<K>
          <<<std::min(pass.samples, kMostBlocks), kMeasuringThreads, 0, queue>>>(pass, gradient, means);
    spread<K><<<grid_over(pass.samples, gradient.height, gradient.width), kBlock, 0, queue>>>(
        pass, means, gradient, result);
  });
  check_cuda(cudaGetLastError(), "launching the adjoint of a linear pass");
}

template void launch_linear(const LinearPass<float>&, const ImageBatch<const float>&,
                            const ImageBatch<float>&, float*, void*);
template void launch_linear(const LinearPass<double>&, const ImageBatch<const double>&,
                            const ImageBatch<double>&, double*, void*);
template void launch_adjoint(const LinearPass<float>&, const ImageBatch<const float>&,
                             const ImageBatch<float>&, float*, void*);
template void launch_adjoint(const LinearPass<double>&, const ImageBatch<const double>&,
                             const ImageBatch<double>&, double*, void*);

}  // namespace augsynth
