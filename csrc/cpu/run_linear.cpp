#include "cpu/run_linear.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "core/errors.h"
#include "core/threads.h"
#include "gradient/pixel.h"

namespace augsynth {
namespace {

constexpr std::int64_t kTilePixels = 1 << 12;
constexpr double kSmallestW = 1e-6;

// ---- Loops over pixels: flattened, as a call for each would take longer than what it does ---------------

// Calls body(x, y) for each pixel of the lines [begin, end).
template <typename Body>
void for_pixels(int begin, int end, int width, Poll& poll, const Body& body) {
  for (int y = begin; y < end; ++y) {
    poll();
    for (int x = 0; x < width; ++x) body(x, y);
  }
}

// Writes the output lines [begin, end).
template <typename K, typename T>
[[gnu::flatten]] void write_lines(const LinearMap<T>& map, const ImageBatch<const T>& source,
                                  const ImageBatch<T>& output, int sample, int begin, int end, Poll& poll) {
  T values[K::kMost];
  for_pixels(begin, end, output.width, poll, [&](int x, int y) {
    sample_pixel<K>(map, source, sample, x, y, values);
    change_pixel<K>(map, map.offset, output, sample, x, y, values);
  });
}

// The same in two steps, for maps that look at means. First what is sampled is stored, and added up:
template <typename K, typename T>
[[gnu::flatten]] void add_picture(const LinearMap<T>& map, const ImageBatch<const T>& source,
                                  const ImageBatch<T>& output, int sample, double* sums, Poll& poll) {
  T values[K::kMost];
  for_pixels(0, output.height, output.width, poll, [&](int x, int y) {
    sample_pixel<K>(map, source, sample, x, y, values);
    store_pixel<K>(map, output, sample, x, y, values);
    for (int c = 0; c < channels_of<K>(map); ++c) sums[c] += values[c];
  });
}

template <typename K, typename T>
[[gnu::flatten]] void change_lines(const LinearMap<T>& map, const T* offset, const ImageBatch<T>& output,
                                   int sample, int begin, int end, Poll& poll) {
  T values[K::kMost];
  for_pixels(begin, end, output.width, poll, [&](int x, int y) {
    load_pixel<K>(map, output, sample, x, y, values);
    change_pixel<K>(map, offset, output, sample, x, y, values);
  });
}

// Spreads the whole gradient of the channels [begin, end), in order.
template <typename K, typename T>
[[gnu::flatten]] void spread_channels(const LinearMap<T>& map, const T* through_means,
                                      const ImageBatch<const T>& gradient, const ImageBatch<T>& result,
                                      int sample, int begin, int end, Poll& poll) {
  const auto add = [](T* place, T value) { *place += value; };
  for_pixels(0, gradient.height, gradient.width, poll, [&](int x, int y) {
    spread_pixel<K>(map, through_means, gradient, result, sample, x, y, begin, end, add);
  });
}

template <typename K, typename T>
[[gnu::flatten]] void add_gradient(const LinearMap<T>& map, const ImageBatch<const T>& gradient, int sample,
                                   double* sums, Poll& poll) {
  T values[K::kMost];
  for_pixels(0, gradient.height, gradient.width, poll, [&](int x, int y) {
    gradient_at<K>(map, gradient, sample, x, y, values);
    for (int c = 0; c < channels_of<K>(map); ++c) sums[c] += values[c];
  });
}

// ---- A batch, split among threads -----------------------------------------------------------------------

// Numbers a sample and channel, where the pass looks at means: find(map, sample, numbers, poll) for each
// sample.
template <typename T, typename Find>
std::vector<T> through_means(const LinearPass<T>& pass, int threads, Check check, const Find& find) {
  std::vector<T> found;
  if (!pass.first.of_mean) return found;
  found.resize(static_cast<std::size_t>(pass.samples) * pass.first.channels);
  parallel_for(pass.samples, threads, check, [&](std::size_t sample, int, Poll& poll) {
    const LinearMap<T> map = pass.of(static_cast<int>(sample));
    find(map, static_cast<int>(sample), found.data() + sample * map.channels, poll);
  });
  return found;
}

template <typename T>
const T* of_sample(const std::vector<T>& numbers, int sample, const LinearMap<T>& map) {
  return numbers.empty() ? nullptr : numbers.data() + static_cast<std::size_t>(sample) * map.channels;
}

template <typename K, typename T>
void write(const LinearPass<T>& pass, const ImageBatch<const T>& source, const ImageBatch<T>& output,
           int threads, Check check) {
  const int height = output.height, width = output.width;
  const auto offsets =
      through_means(pass, threads, check, [&](const LinearMap<T>& map, int sample, T* offset, Poll& poll) {
        double sums[kMaxChannels] = {};
        add_picture<K>(map, source, output, sample, sums, poll);
        add_means(map, sums, static_cast<double>(height) * width, offset);
      });
  const int lines = static_cast<int>(std::max<std::int64_t>(1, kTilePixels / width));
  const std::size_t tiles = (height + lines - 1) / lines;
  parallel_for(pass.samples * tiles, threads, check, [&](std::size_t task, int, Poll& poll) {
    const int sample = static_cast<int>(task / tiles), begin = static_cast<int>(task % tiles) * lines;
    const int end = std::min(begin + lines, height);
    const LinearMap<T> map = pass.of(sample);
    if (map.of_mean)
      change_lines<K>(map, of_sample(offsets, sample, map), output, sample, begin, end, poll);
    else
      write_lines<K>(map, source, output, sample, begin, end, poll);
  });
}

// A thread has whole channels of a sample for itself.
template <typename K, typename T>
void spread(const LinearPass<T>& pass, const ImageBatch<const T>& gradient, const ImageBatch<T>& result,
            int threads, Check check) {
  const auto debts =
      through_means(pass, threads, check, [&](const LinearMap<T>& map, int sample, T* debt, Poll& poll) {
        double sums[kMaxChannels] = {};
        add_gradient<K>(map, gradient, sample, sums, poll);
        spread_means(map, sums, static_cast<double>(gradient.height) * gradient.width, debt);
      });
  const int channels = pass.first.channels;
  const int parts = std::min(channels, (threads + pass.samples - 1) / pass.samples);
  parallel_for(static_cast<std::size_t>(pass.samples) * parts, threads, check,
               [&](std::size_t task, int, Poll& poll) {
                 const int sample = static_cast<int>(task / parts), part = static_cast<int>(task % parts);
                 const LinearMap<T> map = pass.of(sample);
                 spread_channels<K>(map, of_sample(debts, sample, map), gradient, result, sample,
                                    channels * part / parts, channels * (part + 1) / parts, poll);
               });
}

// ---- Checks ---------------------------------------------------------------------------------------------

[[noreturn]] void refuse(int sample, const std::string& what) {
  throw ArgumentError("inverse[" + std::to_string(sample) + "] " + what);
}

void validate_corner(const double* m, int sample, double x, double y) {
  const double w = m[6] * x + m[7] * y + m[8];
  const double sx = (m[0] * x + m[1] * y + m[2]) / w, sy = (m[3] * x + m[4] * y + m[5]) / w;
  if (w > kSmallestW && std::abs(sx) <= kFarthest && std::abs(sy) <= kFarthest) return;
  std::ostringstream text;
  text << "takes the output's corner (" << x << ", " << y << ") to (" << sx << ", " << sy
       << ") with w = " << w << ", expected a position within 2^24 and w above 1e-6";
  refuse(sample, text.str());
}

}  // namespace

template <typename T>
void validate_maps(const LinearPass<T>& pass, int height, int width) {
  for (int sample = 0; sample < pass.samples; ++sample) {
    const LinearMap<T> map = pass.of(sample);
    for (int i = 0; i < 9; ++i)
      if (!std::isfinite(map.inverse[i])) refuse(sample, "has a number that is not finite");
    for (const int x : {0, width})
      for (const int y : {0, height}) validate_corner(map.inverse, sample, x, y);
    for (int i = 0; i < 2; ++i)
      if (!(map.edge[i] > 0.0 && map.edge[i] <= kFarthest))
        throw ArgumentError("edge[" + std::to_string(sample) + "] is " + std::to_string(map.edge[i]) +
                            ", expected a number above 0 and at most 2^24");
  }
}

template <typename T>
void run_linear(const LinearPass<T>& pass, const ImageBatch<const T>& source, const ImageBatch<T>& output,
                int threads, Check check) {
  with_kind(pass, [&](auto kind) { write<decltype(kind)>(pass, source, output, threads, check); });
}

template <typename T>
void run_adjoint(const LinearPass<T>& pass, const ImageBatch<const T>& gradient, const ImageBatch<T>& result,
                 int threads, Check check) {
  with_kind(pass, [&](auto kind) { spread<decltype(kind)>(pass, gradient, result, threads, check); });
}

template void validate_maps(const LinearPass<float>&, int, int);
template void validate_maps(const LinearPass<double>&, int, int);
template void run_linear(const LinearPass<float>&, const ImageBatch<const float>&, const ImageBatch<float>&,
                         int, Check);
template void run_linear(const LinearPass<double>&, const ImageBatch<const double>&,
                         const ImageBatch<double>&, int, Check);
template void run_adjoint(const LinearPass<float>&, const ImageBatch<const float>&, const ImageBatch<float>&,
                          int, Check);
template void run_adjoint(const LinearPass<double>&, const ImageBatch<const double>&,
                          const ImageBatch<double>&, int, Check);

}  // namespace augsynth
