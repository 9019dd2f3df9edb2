// Sources with their missing values filled in, before anything is sampled.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/image.h"
#include "core/poll.h"
#include "core/tables.h"
#include "memory/buffers.h"

namespace augsynth {

// The sources of a batch; instead of those in which something is missing, filled copies.
class FilledSources {
 public:
  // All must be valid. Throws PlanError for a source that is too large to be copied.
  FilledSources(const std::vector<PlanRow>& rows, const std::vector<MissingRule>& rules,
                const std::vector<Image>& sources, int threads, Check check);

  const Image& operator[](std::size_t sample) const {
    return images_.empty() ? sources_[sample] : images_[sample];
  }

 private:
  const std::vector<Image>& sources_;
  std::vector<Image> images_;  // empty where no row has a rule
  std::optional<Buffer> memory_;
};

}  // namespace augsynth
