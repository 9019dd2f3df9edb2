// Memory that exists only later and elsewhere: parts are laid out from address 0, and their pointers moved
// when it is known where they will be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace augsynth {

template <typename T>
void move_pointer(T*& pointer, std::uintptr_t distance) {
  pointer = reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(pointer) + distance);
}

// Arrays one behind the other, in the host's memory as long as their own does not exist.
class CopiedMemory {
 public:
  static constexpr std::size_t kAlignment = 16;

  // Returns the address at which the copy of an array will lie.
  template <typename T>
  std::size_t append(const std::vector<T>& items) {
    const std::size_t begin = (bytes_.size() + kAlignment - 1) / kAlignment * kAlignment;
    bytes_.resize(begin + items.size() * sizeof(T));
    if (!items.empty()) std::memcpy(bytes_.data() + begin, items.data(), items.size() * sizeof(T));
    return begin;
  }

  const std::vector<unsigned char>& bytes() const { return bytes_; }

 private:
  std::vector<unsigned char> bytes_;
};

}  // namespace augsynth
