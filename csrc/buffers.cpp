#include "buffers.h"

#include <sys/mman.h>

#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include "per_process.h"

namespace augsynth {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

struct Block {
  unsigned char* data;
  std::size_t bytes;
};

void unmap(const Block& block) {
  if (block.bytes > 0) munmap(block.data, block.bytes);
}

// Whole huge pages: only what is aligned to one can become one.
Block map(std::size_t bytes) {
  const std::size_t room = bytes + kHugePage;
  void* start = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  unsigned char* first = static_cast<unsigned char*>(start);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(first) % kHugePage;
  const Block block{first + before, bytes};
  unmap({first, before});
  unmap({block.data + bytes, kHugePage - before});
#ifdef MADV_HUGEPAGE
  madvise(block.data, bytes, MADV_HUGEPAGE);  // advice: a system without them serves as well
#endif
  return block;
}

// What was given back, the oldest first.
class Waiting {
 public:
  // The latest block that holds `bytes` without wasting as much again; an empty one if there is none.
  Block take(std::size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto found = blocks_.rbegin(); found != blocks_.rend(); ++found) {
      if (found->bytes < bytes || found->bytes / 2 >= bytes) continue;
      const Block block = *found;
      blocks_.erase(std::next(found).base());
      total_ -= block.bytes;
      return block;
    }
    return {nullptr, 0};
  }

  void give(const Block& block) {
    if (block.bytes > kMostWaiting) return unmap(block);
    std::vector<Block> oldest;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      blocks_.push_back(block);
      total_ += block.bytes;
      auto kept = blocks_.begin();
      for (; total_ > kMostWaiting; ++kept) total_ -= kept->bytes;
      oldest.assign(blocks_.begin(), kept);
      blocks_.erase(blocks_.begin(), kept);
    }
    for (const Block& one : oldest) unmap(one);
  }

 private:
  std::mutex mutex_;
  std::vector<Block> blocks_;
  std::size_t total_ = 0;
};

std::size_t whole_pages(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX - 2 * kHugePage) throw std::bad_alloc();
  return (bytes + kHugePage - 1) / kHugePage * kHugePage;
}

}  // namespace

Buffer::Buffer(std::size_t bytes) {
  const std::size_t rounded = whole_pages(bytes > 0 ? bytes : 1);
  Block block = per_process<Waiting>().take(rounded);
  if (block.data == nullptr) block = map(rounded);
  data_ = block.data;
  bytes_ = block.bytes;
}

Buffer::~Buffer() { per_process<Waiting>().give({data_, bytes_}); }

}  // namespace augsynth
