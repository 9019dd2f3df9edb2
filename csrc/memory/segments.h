// Memory that a worker writes and another process reads, without a copy and without fresh pages each time.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace augsynth {

// A file in memory as this process sees it: a header with the number of receivers, and then the data.
struct Segment {
  // The largest number of segments that wait. Each holds a file open, of which a process may have a few
  // hundred. A receiver that keeps a batch has its own mapping and needs no file.
  static constexpr std::ptrdiff_t kMost = 64;

  unsigned char* start = nullptr;
  std::size_t bytes = 0;  // with the header
  int file = -1;          // -1 where only the mapping is held

  std::atomic<std::uint32_t>& receivers() const {
    return *reinterpret_cast<std::atomic<std::uint32_t>*>(start);
  }
  unsigned char* data() const;
  bool idle() const { return receivers().load(std::memory_order_acquire) == 0; }
  void drop() const;
};

// The sender's end. When it is gone, the segment serves a later Outgoing of this process, but not before the
// last receiver has let it go too.
class Outgoing {
 public:
  explicit Outgoing(std::size_t bytes);  // std::bad_alloc where there is no memory
  ~Outgoing();
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  unsigned char* data() const { return segment_.data(); }
  int file() const { return segment_.file; }

  // One more Incoming is going to be made from the file.
  void announce() { segment_.receivers().fetch_add(1, std::memory_order_relaxed); }

 private:
  const pid_t owner_;
  Segment segment_;
};

// The receiver's end of `bytes` from an announced file, which may be closed afterwards.
class Incoming {
 public:
  Incoming(int file, std::size_t bytes);
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  unsigned char* data() const { return segment_.data(); }

 private:
  const pid_t owner_;
  Segment segment_;
};

}  // namespace augsynth
