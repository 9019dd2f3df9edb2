// Memory that was given back, waiting for the next taker. Fresh pages cost more than filling them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <new>
#include <vector>

namespace augsynth {

constexpr std::size_t kMostWaiting = std::size_t{1} << 30;

// A Block has `bytes`, none of them in an empty one; idle() says whether it may be used, and drop() gives it
// to the system. At most Block::kMost of them wait.
template <typename Block>
class Waiting {
 public:
  // The latest idle block that holds `bytes` without wasting as much again; an empty one if there is none.
  Block take(std::size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto found = blocks_.rbegin(); found != blocks_.rend(); ++found) {
      if (found->bytes < bytes || found->bytes / 2 >= bytes || !found->idle()) continue;
      const Block block = *found;
      blocks_.erase(std::next(found).base());
      total_ -= block.bytes;
      return block;
    }
    return {};
  }

  // At most kMostWaiting bytes wait; where there are more, or too many blocks, the oldest go first.
  void give(const Block& block) {
    if (block.bytes > kMostWaiting) return block.drop();
    std::vector<Block> oldest;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      blocks_.push_back(block);
      total_ += block.bytes;
      auto kept = blocks_.begin();
      for (; total_ > kMostWaiting || blocks_.end() - kept > Block::kMost; ++kept) total_ -= kept->bytes;
      oldest.assign(blocks_.begin(), kept);
      blocks_.erase(blocks_.begin(), kept);
    }
    for (const Block& one : oldest) one.drop();
  }

 private:
  std::mutex mutex_;
  std::vector<Block> blocks_;
  std::size_t total_ = 0;
};

// `bytes` in whole pages of the size `page`, at least one.
inline std::size_t whole_pages(std::size_t bytes, std::size_t page) {
  if (bytes > PTRDIFF_MAX - 2 * page) throw std::bad_alloc();
  return bytes > 0 ? (bytes + page - 1) / page * page : page;
}

}  // namespace augsynth
