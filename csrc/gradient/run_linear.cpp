#include "gradient/run_linear.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "errors.h"
#include "gradient/pixel.h"
#include "threads.h"

namespace augsynth {
namespace {

constexpr std::int64_t kTilePixels = 1 << 12;
constexpr double kSmallestW = 1e-6;

// What the means of each sample add to its channels, or nothing where no sample looks at means. `find(map,
// sums, to)` makes it of the sums that `line(map, sample, y, sums)` adds up.
template <typename T, typename Line, typename Find>
std::vector<T> over_means(const LinearPass<T>& pass, int height, int threads, const Line& line,
                          const Find& find) {
  std::vector<T> found;
  if (!pass.first.of_mean) return found;
  found.resize(static_cast<std::size_t>(pass.samples) * pass.first.channels);
  parallel_for(pass.samples, threads, [&](std::size_t task, int) {
    const int sample = static_cast<int>(task);
    const LinearMap<T> map = pass.of(sample);
    double sums[kMaxChannels] = {};
    for (int y = 0; y < height; ++y) line(map, sample, y, sums);
    find(map, sums, found.data() + task * map.channels);
  });
  return found;
}

template <typename K, typename T>
std::vector<T> offsets_of(const LinearPass<T>& pass, const Planes<const T>& source, int height, int width,
                          int threads) {
  const auto line = [&](const LinearMap<T>& map, int sample, int y, double* sums) {
    T values[K::kMost];
    for (int x = 0; x < width; ++x) {
      sample_pixel<K>(map, source, sample, x, y, values);
      for (int c = 0; c < channels_of<K>(map); ++c) sums[c] += values[c];
    }
  };
  return over_means(pass, height, threads, line, [&](const LinearMap<T>& map, const double* sums, T* offset) {
    add_means(map, sums, static_cast<double>(height) * width, offset);
  });
}

template <typename K, typename T>
std::vector<T> debts_of(const LinearPass<T>& pass, const Planes<const T>& gradient, int threads) {
  const auto line = [&](const LinearMap<T>& map, int sample, int y, double* sums) {
    T values[K::kMost];
    for (int x = 0; x < gradient.width; ++x) {
      gradient_at<K>(map, gradient, sample, x, y, values);
      for (int c = 0; c < channels_of<K>(map); ++c) sums[c] += values[c];
    }
  };
  const double pixels = static_cast<double>(gradient.height) * gradient.width;
  return over_means(pass, gradient.height, threads, line,
                    [&](const LinearMap<T>& map, const double* sums, T* through_means) {
                      spread_means(map, sums, pixels, through_means);
                    });
}

template <typename K, typename T>
void write(const LinearPass<T>& pass, const Planes<const T>& source, const Planes<T>& output, int threads) {
  const std::vector<T> offsets = offsets_of<K>(pass, source, output.height, output.width, threads);
  const int lines = static_cast<int>(std::max<std::int64_t>(1, kTilePixels / output.width));
  const std::size_t tiles = (output.height + lines - 1) / lines;
  parallel_for(pass.samples * tiles, threads, [&](std::size_t task, int) {
    const int sample = static_cast<int>(task / tiles), begin = static_cast<int>(task % tiles) * lines;
    const LinearMap<T> map = pass.of(sample);
    const T* offset =
        offsets.empty() ? map.offset : offsets.data() + static_cast<std::size_t>(sample) * map.channels;
    for (int y = begin; y < std::min(begin + lines, output.height); ++y)
      for (int x = 0; x < output.width; ++x) write_pixel<K>(map, offset, source, output, sample, x, y);
  });
}

// Pixels are added up in one order: a thread has whole channels of a sample for itself.
template <typename K, typename T>
void spread(const LinearPass<T>& pass, const Planes<const T>& gradient, const Planes<T>& result,
            int threads) {
  const std::vector<T> debts = debts_of<K>(pass, gradient, threads);
  const int channels = pass.first.channels;
  const int parts = std::min(channels, (threads + pass.samples - 1) / pass.samples);
  parallel_for(static_cast<std::size_t>(pass.samples) * parts, threads, [&](std::size_t task, int) {
    const int sample = static_cast<int>(task / parts), part = static_cast<int>(task % parts);
    const int begin = channels * part / parts, end = channels * (part + 1) / parts;
    const LinearMap<T> map = pass.of(sample);
    const T* through_means =
        debts.empty() ? nullptr : debts.data() + static_cast<std::size_t>(sample) * channels;
    const auto add = [](T* place, T value) { *place += value; };
    for (int y = 0; y < gradient.height; ++y)
      for (int x = 0; x < gradient.width; ++x)
        spread_pixel<K>(map, through_means, gradient, result, sample, x, y, begin, end, add);
  });
}

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
void run_linear(const LinearPass<T>& pass, const Planes<const T>& source, const Planes<T>& output,
                int threads) {
  with_kind(pass, [&](auto kind) { write<decltype(kind)>(pass, source, output, threads); });
}

template <typename T>
void run_adjoint(const LinearPass<T>& pass, const Planes<const T>& gradient, const Planes<T>& result,
                 int threads) {
  with_kind(pass, [&](auto kind) { spread<decltype(kind)>(pass, gradient, result, threads); });
}

template void validate_maps(const LinearPass<float>&, int, int);
template void validate_maps(const LinearPass<double>&, int, int);
template void run_linear(const LinearPass<float>&, const Planes<const float>&, const Planes<float>&, int);
template void run_linear(const LinearPass<double>&, const Planes<const double>&, const Planes<double>&, int);
template void run_adjoint(const LinearPass<float>&, const Planes<const float>&, const Planes<float>&, int);
template void run_adjoint(const LinearPass<double>&, const Planes<const double>&, const Planes<double>&, int);

}  // namespace augsynth
