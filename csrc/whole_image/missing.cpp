#include "whole_image/missing.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/errors.h"
#include "core/threads.h"
#include "pass/missing.h"

namespace augsynth {
namespace {

constexpr std::int64_t kMostCopied = std::int64_t{1} << 36;  // bytes of a source

// 16 random bits for a pixel, as noise takes them: pixels side by side share a block, which is kept.
class PixelBits {
 public:
  explicit PixelBits(const std::uint32_t (&stream)[4]) : stream_(stream) {}

  std::uint32_t at(std::uint32_t x, std::uint32_t y, std::uint32_t channel) {
    const std::uint32_t place = x / kBlockHalves;
    Kept& kept = kept_[channel];
    if (place != kept.place || y != kept.y) kept = {place, y, block_at(stream_, place, y, channel)};
    return bits_of_pixel(kept.block, static_cast<int>(x), 1);
  }

 private:
  struct Kept {
    std::uint32_t place = 0, y = 0xffffffff;  // no picture has such a line
    PhiloxBlock block{};
  };

  const std::uint32_t (&stream_)[4];
  Kept kept_[kMaxChannels];
};

// One source and its rule.
template <typename T>
class Filler {
 public:
  Filler(const Image& source, const MissingRule& rule, Poll& poll)
      : source_(source),
        rule_(rule),
        poll_(poll),
        is_missing_(rule.value),
        height_(source.shape[0]),
        width_(source.shape[1]),
        channels_(source.shape[2]) {}

  // The source itself where nothing is missing, else a copy in `memory`, interleaved and without gaps.
  Image fill(unsigned char* memory) const {
    T* copy = reinterpret_cast<T*>(memory);
    for (std::int64_t y = 0; y < height_; ++y) {
      poll_();
      copy_line(y, copy + y * width_ * channels_);
    }
    if (!finds_any(copy, height_ * width_ * channels_)) return source_;
    fill_lines(copy);
    constexpr std::int64_t kItem = sizeof(T);
    return {memory,
            {height_, width_, channels_},
            {width_ * channels_ * kItem, channels_ * kItem, kItem},
            source_.dtype,
            source_.writable};
  }

 private:
  static constexpr std::int64_t kRun = 64;  // elements that are looked through before they are filled

  void copy_line(std::int64_t y, T* to) const {
    const unsigned char* line = source_.data + y * source_.stride[0];
    if (source_.stride[2] == sizeof(T) && source_.stride[1] == channels_ * source_.stride[2]) {
      std::memcpy(to, line, width_ * source_.stride[1]);
      return;
    }
    for (std::int64_t x = 0; x < width_; ++x)
      for (std::int64_t c = 0; c < channels_; ++c, ++to)
        std::memcpy(to, line + x * source_.stride[1] + c * source_.stride[2], sizeof(T));
  }

  // The flag has the elements' own size, so that they are compared a vector at a time.
  bool finds_any(const T* values, std::int64_t count) const {
    const Mark<T> is_missing = is_missing_;
    T found = 0;
    for (std::int64_t i = 0; i < count; ++i) found = is_missing(values[i]) ? T{1} : found;
    return found != T{0};
  }

  void fill_lines(T* line) const {
    double mean[kMaxChannels];
    if (rule_.by_mean) find_means(line, mean);
    PixelBits bits(rule_.stream);
    for (std::int64_t y = 0; y < height_; ++y, line += width_ * channels_) {
      poll_();
      fill_line(line, y, mean, bits);
    }
  }

  void fill_line(T* line, std::int64_t y, const double* mean, PixelBits& bits) const {
    const std::int64_t elements = width_ * channels_;
    for (std::int64_t run = 0; run < elements; run += kRun) {
      const std::int64_t end = std::min(run + kRun, elements);
      if (!finds_any(line + run, end - run)) continue;
      for (std::int64_t i = run; i < end; ++i) {
        const std::int64_t x = i / channels_, c = i % channels_;
        if (is_missing_(line[i])) line[i] = rounded_to<T>(rule_.by_mean ? mean[c] : draw(bits, x, y, c));
      }
    }
  }

  double draw(PixelBits& bits, std::int64_t x, std::int64_t y, std::int64_t c) const {
    if (rule_.low[c] == rule_.high[c]) return rule_.low[c];
    const std::uint32_t half =
        bits.at(static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), static_cast<std::uint32_t>(c));
    return drawn_level(rule_, static_cast<int>(c), half);
  }

  // Finds the means of the present values, line by line.
  void find_means(const T* value, double (&mean)[kMaxChannels]) const {
    std::int64_t count[kMaxChannels] = {};
    std::fill(mean, mean + kMaxChannels, 0.0);
    for (std::int64_t y = 0; y < height_; ++y) {
      poll_();
      LineSum<T> sum[kMaxChannels] = {};
      add_present(is_missing_, value, width_, channels_, sum, count);
      value += width_ * channels_;
      for (std::int64_t c = 0; c < channels_; ++c) mean[c] += static_cast<double>(sum[c]);
    }
    for (std::int64_t c = 0; c < channels_; ++c)
      mean[c] = count[c] > 0 ? mean[c] / static_cast<double>(count[c]) : rule_.low[c];
  }

  const Image& source_;
  const MissingRule& rule_;
  Poll& poll_;
  const Mark<T> is_missing_;
  const std::int64_t height_, width_, channels_;
};

Image filled(const Image& source, const MissingRule& rule, unsigned char* memory, Poll& poll) {
  switch (source.dtype) {
    case DType::kUint8:
      return Filler<std::uint8_t>(source, rule, poll).fill(memory);
    case DType::kUint16:
      return Filler<std::uint16_t>(source, rule, poll).fill(memory);
    default:
      return Filler<float>(source, rule, poll).fill(memory);
  }
}

// The offsets of the copies, one behind the other, and the end of the last one.
std::vector<std::int64_t> place_copies(const std::vector<PlanRow>& rows, const std::vector<Image>& sources) {
  std::vector<std::int64_t> begin(rows.size() + 1, 0);
  for (std::size_t sample = 0; sample < rows.size(); ++sample) {
    const Image& source = sources[sample];
    const std::int64_t bytes = rows[sample].missing < 0 ? 0
                                                        : source.shape[0] * source.shape[1] *
                                                              source.shape[2] * item_size(source.dtype);
    if (bytes > kMostCopied)
      throw PlanError("row " + std::to_string(sample) + ": filling its missing values would need " +
                      std::to_string(bytes >> 30) + " GiB, expected at most " +
                      std::to_string(kMostCopied >> 30));
    constexpr std::int64_t kAlignment = 64;
    begin[sample + 1] = begin[sample] + (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  return begin;
}

}  // namespace

FilledSources::FilledSources(const std::vector<PlanRow>& rows, const std::vector<MissingRule>& rules,
                             const std::vector<Image>& sources, int threads, Check check)
    : sources_(sources) {
  if (rules.empty()) return;
  const std::vector<std::int64_t> begin = place_copies(rows, sources);
  if (begin.back() == 0) return;
  images_ = sources;
  memory_.emplace(static_cast<std::size_t>(begin.back()));
  parallel_for(sources.size(), threads, check, [&](std::size_t sample, int, Poll& poll) {
    const std::int32_t rule = rows[sample].missing;
    if (rule >= 0)
      images_[sample] = filled(sources[sample], rules[rule], memory_->data() + begin[sample], poll);
  });
}

}  // namespace augsynth
