// A call as the device gets it: one piece of memory that is copied, scratch behind it, and the steps that run
// over both. On the host alone, and without a device.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/image.h"
#include "core/plan.h"
#include "core/tables.h"
#include "cuda/launch_steps.h"

namespace augsynth {

class Launch {
 public:
  static constexpr std::size_t kAlignment = 256;

  // Throws what run() in run.h throws. The images' memory is the device's, and is not touched.
  Launch(std::vector<PlanRow> rows, Tables tables, const std::vector<Image>& sources,
         const std::vector<Image>& outputs);
  ~Launch();

  // The bytes that write() fills, a multiple of kAlignment, and those behind them that the steps need.
  std::size_t copied() const;
  std::size_t scratch() const;

  // Writes to `staging` what has to be copied to `device`, which is aligned, before the steps run there.
  std::vector<LaunchStep> write(unsigned char* staging, unsigned char* device) const;

 private:
  class Layout;
  std::unique_ptr<const Layout> layout_;
};

}  // namespace augsynth
