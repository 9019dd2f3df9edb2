#include "whole_image/levels.h"

#include <vector>

namespace augsynth {
namespace {

// Neighbours are often alike, and are counted apart: to count waits for the last time the same was counted.
constexpr int kApart = 2;

unsigned char* line_of(const Image& image, std::int64_t y, std::int64_t channel) {
  return image.data + y * image.stride[0] + channel * image.stride[2];
}

// Counts kChannels that lie side by side, from `first` on.
template <int kChannels>
void count_channels(const Image& image, std::int64_t first, std::int64_t* counts, Poll& poll) {
  constexpr int kSet = kChannels * kLevels;
  std::vector<std::int64_t> found(kApart * kSet);
  for (std::int64_t y = 0; y < image.shape[0]; ++y) {
    poll();
    const unsigned char* from = line_of(image, y, first);
    const auto count = [&](std::int64_t* set) {
      for (int c = 0; c < kChannels; ++c) ++set[c * kLevels + from[c]];
      from += image.stride[1];
    };
    std::int64_t x = 0;
    for (; x + kApart <= image.shape[1]; x += kApart)
      for (int k = 0; k < kApart; ++k) count(found.data() + k * kSet);
    for (; x < image.shape[1]; ++x) count(found.data());
  }
  for (int i = 0; i < kSet; ++i) {
    std::int64_t& sum = counts[first * kLevels + i] = 0;
    for (int k = 0; k < kApart; ++k) sum += found[k * kSet + i];
  }
}

template <int kChannels>
void map_channels(const Image& image, std::int64_t first, const std::uint8_t* levels, const Image& output,
                  Poll& poll) {
  for (std::int64_t y = 0; y < image.shape[0]; ++y) {
    poll();
    const unsigned char* from = line_of(image, y, first);
    unsigned char* to = line_of(output, y, first);
    for (std::int64_t x = 0; x < image.shape[1]; ++x, from += image.stride[1], to += output.stride[1])
      for (int c = 0; c < kChannels; ++c) to[c] = levels[(first + c) * kLevels + from[c]];
  }
}

// Calls three(first) for channels that lie side by side, and one(channel) for all others.
template <typename Three, typename One>
void by_channels(std::int64_t channels, bool side_by_side, const Three& three, const One& one) {
  std::int64_t c = 0;
  for (; side_by_side && c + 3 <= channels; c += 3) three(c);
  for (; c < channels; ++c) one(c);
}

}  // namespace

void count_levels(const Image& image, std::int64_t* counts, Poll& poll) {
  by_channels(
      image.shape[2], image.stride[2] == 1,
      [&](std::int64_t c) { count_channels<3>(image, c, counts, poll); },
      [&](std::int64_t c) { count_channels<1>(image, c, counts, poll); });
}

void map_levels(const Image& image, const std::uint8_t* levels, const Image& output, Poll& poll) {
  by_channels(
      image.shape[2], image.stride[2] == 1 && output.stride[2] == 1,
      [&](std::int64_t c) { map_channels<3>(image, c, levels, output, poll); },
      [&](std::int64_t c) { map_channels<1>(image, c, levels, output, poll); });
}

}  // namespace augsynth
