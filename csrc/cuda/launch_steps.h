// What a call runs on the device: steps, one kernel launch each, of blocks of threads that are shared out
// among the samples that need the step. Plain data, whose pointers are the device's.
#pragma once

#include <cstdint>

namespace augsynth {

constexpr int kThreads = 256;   // of a block
constexpr int kPackBytes = 16;  // that a thread writes at once, where the output allows it

// In the order in which they run.
enum class StepKind : std::uint8_t {
  kAddPresent,   // of sources with missing values: what is there, by line and channel
  kTakeMeans,    // the same by channel
  kFill,         // a copy without missing values
  kWeighTaps,    // the filters of columns and lines
  kAddColumns,   // means: the columns of a chunk, to 16 sums
  kAddChunks,    // their sums by line
  kAddLines,     // and by picture, and what a colour map makes of them
  kRenderPixels  // from sampling to storing
};

// Which task each sample of a step has, and how many blocks.
struct Share {
  const std::int32_t* tasks;  // indices
  const std::int32_t*
      ends;  // of each sample's blocks, counted on from sample to sample; null where all have `each`
  std::int32_t samples, each, blocks;
};

struct LaunchStep {
  StepKind kind;
  int kind_of_tasks;  // the number of a Kind in task.h; for sources with missing values their dtype
  void* tasks;
  const void* measures;  // one for each of the share's tasks, where means are taken
  Share share;
};

// Starts a step on a stream, and does not wait for it. Throws NativeError where it cannot be started.
void launch(const LaunchStep& step, void* stream);

// Runs a step on the calling thread instead, over memory of the host: thread by thread, the same code.
void simulate(const LaunchStep& step);

}  // namespace augsynth
