// The samples of a step, and how its blocks are shared out among them.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "core/errors.h"
#include "cuda/launch_steps.h"
#include "cuda/memory.h"

namespace augsynth {

class Shares {
 public:
  // A sample whose task has `items` threads to do.
  void add(std::size_t task, std::int64_t items) {
    constexpr std::int64_t kMostBlocks = std::numeric_limits<std::int32_t>::max();
    blocks_ += (items + kThreads - 1) / kThreads;
    if (blocks_ > kMostBlocks)
      throw PlanError("the batch has too many pixels for one launch, which has at most 2^31 - 1 blocks of " +
                      std::to_string(kThreads) + " threads; transform fewer images at a time");
    tasks_.push_back(static_cast<std::int32_t>(task));
    ends_.push_back(static_cast<std::int32_t>(blocks_));
  }

  bool empty() const { return tasks_.empty(); }

  // Pointers are those into `memory`, from address 0 on.
  Share append_to(CopiedMemory& memory) const {
    const auto place = [&](const std::vector<std::int32_t>& numbers) {
      return reinterpret_cast<const std::int32_t*>(memory.append(numbers));
    };
    const std::int32_t samples = static_cast<std::int32_t>(tasks_.size()), each = ends_.front();
    return {place(tasks_), is_even() ? nullptr : place(ends_), samples, each, ends_.back()};
  }

 private:
  // Whether all have the same number of blocks.
  bool is_even() const {
    for (std::size_t i = 0; i < ends_.size(); ++i)
      if (ends_[i] != static_cast<std::int64_t>(i + 1) * ends_.front()) return false;
    return true;
  }

  std::vector<std::int32_t> tasks_, ends_;
  std::int64_t blocks_ = 0;
};

}  // namespace augsynth
