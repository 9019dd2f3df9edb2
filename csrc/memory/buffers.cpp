#include "memory/buffers.h"

#include <sys/mman.h>

#include "core/per_process.h"
#include "memory/waiting.h"

namespace augsynth {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

struct Block {
  static constexpr std::ptrdiff_t kMost = PTRDIFF_MAX;

  unsigned char* data = nullptr;
  std::size_t bytes = 0;

  bool idle() const { return true; }
  void drop() const {
    if (bytes > 0) munmap(data, bytes);
  }
};

// Whole huge pages: only what is aligned to one can become one.
Block map(std::size_t bytes) {
  const std::size_t room = bytes + kHugePage;
  void* start = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  unsigned char* first = static_cast<unsigned char*>(start);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(first) % kHugePage;
  const Block block{first + before, bytes};
  Block{first, before}.drop();
  Block{block.data + bytes, kHugePage - before}.drop();
#ifdef MADV_HUGEPAGE
  madvise(block.data, bytes, MADV_HUGEPAGE);  // advice: a system without them serves as well
#endif
  return block;
}

}  // namespace

Buffer::Buffer(std::size_t bytes) {
  const std::size_t rounded = whole_pages(bytes, kHugePage);
  Block block = per_process<Waiting<Block>>().take(rounded);
  if (block.bytes == 0) block = map(rounded);
  data_ = block.data;
  bytes_ = block.bytes;
}

Buffer::~Buffer() { per_process<Waiting<Block>>().give({data_, bytes_}); }

}  // namespace augsynth
