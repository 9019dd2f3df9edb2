#include "memory/segments.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "core/per_process.h"
#include "memory/waiting.h"

namespace augsynth {
namespace {

constexpr std::size_t kHeader = 4096;  // keeps the data aligned to a page

static_assert(std::atomic<std::uint32_t>::is_always_lock_free, "a lock would not reach other processes");

// A file without a name, and as long as this process or a receiver holds it.
int make_file() {
#ifdef __linux__
  return memfd_create("augsynth", MFD_CLOEXEC);  // not bounded by the size of /dev/shm
#else
  static std::atomic<unsigned> count{0};
  const std::string name = "/augsynth-" + std::to_string(getpid()) + "-" + std::to_string(count++);
  const int file = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600);
  shm_unlink(name.c_str());
  return file;
#endif
}

Segment map(int file, std::size_t bytes) {
  void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  return {static_cast<unsigned char*>(start), bytes, -1};
}

Segment make_segment(std::size_t bytes) {
  const int file = make_file();
  if (file < 0) throw std::bad_alloc();
  try {
    if (ftruncate(file, static_cast<off_t>(bytes)) != 0) throw std::bad_alloc();
    Segment segment = map(file, bytes);
    segment.file = file;
    return segment;
  } catch (...) {
    close(file);
    throw;
  }
}

Segment take(std::size_t bytes) {
  const std::size_t rounded = whole_pages(bytes + kHeader, kHeader);
  const Segment waiting = per_process<Waiting<Segment>>().take(rounded);
  return waiting.bytes > 0 ? waiting : make_segment(rounded);
}

}  // namespace

unsigned char* Segment::data() const { return start + kHeader; }

void Segment::drop() const {
  munmap(start, bytes);
  if (file >= 0) close(file);
}

Outgoing::Outgoing(std::size_t bytes) : owner_(getpid()), segment_(take(bytes)) {}

// A forked child holds a copy of this object, but the segment is its parent's to use again.
Outgoing::~Outgoing() {
  if (getpid() == owner_)
    per_process<Waiting<Segment>>().give(segment_);
  else
    segment_.drop();
}

Incoming::Incoming(int file, std::size_t bytes) : owner_(getpid()), segment_(map(file, bytes + kHeader)) {}

Incoming::~Incoming() {
  if (getpid() == owner_) segment_.receivers().fetch_sub(1, std::memory_order_release);
  segment_.drop();
}

}  // namespace augsynth
