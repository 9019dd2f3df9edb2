#include "cuda/threads.inl"

namespace augsynth {

void simulate(const LaunchStep& step) {
  with_part(step, [&](auto part) {
    for (std::int32_t block = 0; block < step.share.blocks; ++block) {
      const BlockPlace place = place_of(step.share, block);
      for (int thread = 0; thread < kThreads; ++thread)
        decltype(part)::run(step, place.sample, static_cast<std::int64_t>(place.block) * kThreads + thread);
    }
  });
}

}  // namespace augsynth
